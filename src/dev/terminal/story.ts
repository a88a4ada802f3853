import type {Clock} from '../../clock.ts';
import type {FaultCode} from '../../errors.ts';
import type {FunctionLine} from '../../log.ts';
import type {Ended, Logged, Observation} from '../../observation.ts';
import {type Call, newCall} from './call.ts';
import {callLine, indent, runningLine, tag} from './call-line.ts';
import {Doubles} from './doubles.ts';
import type {Ink} from './ink.ts';
import {
  faultLines,
  functionLines,
  isTimeout,
  loadErrorIn,
  loadErrorLines,
  loadReport,
  noteLine,
  recordLines,
  reloadReports,
  routine,
  stopReport,
} from './lines.ts';
import {thrownLines} from './thrown.ts';

export interface StoryOptions {
  /** Of the function. */
  readonly folder: string;
  readonly ink: Ink;
  readonly clock: Clock;
  readonly write: (lines: readonly string[]) => void;
}

/** What the function writes comes by another way than its reply, and may come a little later. */
const settleMs = 25;
/** An error that the function has thrown is waited for longer: the line of the call need not say why then. */
const errorMs = 250;
/** A call that runs for longer shows what it has written so far, and so does one that has written more lines. */
const patienceMs = 300;
const mostHeld = 100;

/** Tells what a core reports as lines: each call is one line, and what the function wrote during it stands below. */
export class Story {
  readonly #options: StoryOptions;
  readonly #calls = new Map<string, Call>();
  readonly #doubles: Doubles;
  /** The call that the last lines were of. */
  #last = '';
  /** Why the handler could not be loaded, when it was tried last. */
  #loadError: string | undefined;

  constructor(options: StoryOptions) {
    this.#options = options;
    this.#doubles = new Doubles(options.clock);
  }

  tell(observation: Observation): void {
    if (observation.type === 'began') this.#calls.set(observation.id, newCall(observation));
    else if (observation.type === 'ended') this.#end(observation);
    else if (observation.type === 'line') this.#line(observation.line);
    else if (observation.type === 'log') this.#log(observation);
  }

  /** A sentence of the command itself. */
  note(sentence: string): void {
    this.#write('', noteLine(sentence, this.#options.clock.now(), this.#options.ink));
  }

  /** How a reload ended. @param error why the new code does not serve */
  reloaded(sentence: string, error?: string): void {
    this.#doubles.said('reload');
    this.note(sentence);
    if (error === undefined) return;
    const {ink, folder} = this.#options;
    this.#doubles.otherwise('load', () => this.#write('', thrownLines(error, {ink, folder})));
  }

  /** The core has ended, or the terminal is closed: shows what still waits, and forgets the calls that will not end. */
  close(): void {
    for (const call of this.#calls.values()) {
      if (call.ended) this.#close(call.ended);
      else if (call.held.length > 0) this.#show(call);
      call.stopTimer();
    }
    this.#calls.clear();
  }

  #end(ended: Ended): void {
    const call = this.#calls.get(ended.id) ?? newCall({...ended, type: 'began'});
    this.#calls.set(ended.id, call);
    const now = this.#options.clock.monotonic();
    if (!call.ended) call.dueAt = now + errorMs;
    call.ended = ended;
    const settled = isThrown(ended.fault?.code) && !call.hasError ? errorMs : settleMs;
    this.#after(Math.min(settled, Math.max(0, call.dueAt - now)), call, () => this.#close(ended));
  }

  #close(ended: Ended): void {
    const {ink} = this.#options;
    const call = this.#calls.get(ended.id);
    call?.stopTimer();
    this.#calls.delete(ended.id);
    const why = call?.hasError && isThrown(ended.fault?.code) ? [] : faultLines(ended, this.#loadError, this.#options);
    this.#write(ended.id, [callLine(ended, ink), ...[...(call?.held ?? []), ...why].map(line => indent + line)]);
  }

  #line(line: FunctionLine): void {
    const {invocationId: id = ''} = line;
    const call = this.#calls.get(id);
    const lines = functionLines(line, this.#options);
    if (id === '') this.#outside(line, lines);
    else if (!call) this.#write(id, this.#under(id, lines));
    else if (!isTimeout(line)) this.#hold(call, lines, line.level === 'error');
  }

  /** The function wrote it while it was loaded, or after its call. */
  #outside(line: FunctionLine, lines: readonly string[]): void {
    const loadError = loadErrorIn(line);
    if (loadError !== undefined) {
      this.#loadError = loadError;
      this.#doubles.said('load');
    }
    this.#write('', loadError === undefined ? lines : loadErrorLines(line, this.#options.clock.now(), this.#options));
  }

  #hold(call: Call, lines: readonly string[], isError: boolean): void {
    call.hasError ||= isError;
    const {id} = call.began;
    if (call.isShown && !call.ended) {
      this.#write(id, this.#under(id, lines));
      return;
    }
    const isFirst = call.held.length === 0;
    call.held.push(...lines);
    if (call.held.length > mostHeld) call.ended ? this.#close(call.ended) : this.#show(call);
    else if (call.ended) this.#end(call.ended);
    else if (isFirst) this.#after(patienceMs, call, () => this.#show(call));
  }

  /** The call goes on: shows what it has written. */
  #show(call: Call): void {
    call.stopTimer();
    call.isShown = true;
    const {began} = call;
    this.#write(began.id, [runningLine(began, this.#options.ink), ...call.held.map(line => indent + line)]);
    call.held = [];
  }

  /** Below the line of their call; with its tag when other lines stand between. */
  #under(id: string, lines: readonly string[]): string[] {
    const mark = this.#last === id ? '' : `${tag(id, this.#options.ink)} `;
    return lines.map(line => indent + mark + line);
  }

  #log(record: Logged): void {
    const {fields, level, message} = record;
    // The line of the call says so.
    if ('code' in fields && this.#calls.has(String(fields.invocationId))) return;
    if (level === 'info' && routine.has(message)) return;
    const show = () => this.#write('', recordLines(message === stopReport ? this.#stopping(record) : record, this.#options));
    if (message === loadReport) this.#doubles.otherwise('load', show);
    else if (reloadReports.has(message)) this.#doubles.otherwise('reload', show);
    else show();
  }

  /** Why the end may take a while. */
  #stopping(record: Logged): Logged {
    const open = [...this.#calls.values()].filter(({ended}) => !ended).length;
    if (open === 0) return record;
    const [calls, them] = open === 1 ? ['a call', 'it'] : [`${open} calls`, 'them'];
    return {...record, message: `Stopping once ${calls} in flight ${open === 1 ? 'has' : 'have'} ended; Ctrl-C once more ends ${them}`};
  }

  #after(ms: number, call: Call, fire: () => void): void {
    call.stopTimer();
    call.stopTimer = this.#options.clock.after(ms, fire);
  }

  #write(id: string, lines: readonly string[]): void {
    this.#last = id;
    this.#options.write(lines);
  }
}

/** The function's own error is the reason, and its bridge may report it. */
const isThrown = (code: FaultCode | undefined) => code === 'HANDLER_FAILED';
