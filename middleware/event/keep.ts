import type {RequestInput} from '../../src/delivery.ts';
import {Fault, type FaultCode} from '../../src/errors.ts';
import type {AttemptFailure, Fact, FactTypes} from '../../src/facts.ts';
import {faultResult} from '../../src/http/answer.ts';
import type {Invocation} from '../../src/invocation.ts';
import {type JournalWriter, type Payload, type Position, RevisionConflict} from '../../src/journal.ts';
import {type Redact, writeReply, writeRequest} from '../../src/journals/payload.ts';
import type {Log} from '../../src/log.ts';

/** What the journal keeps of an invocation. */
export interface KeepInvocation {
  /**
  Keeps its first fact. When the delivery is written ahead, the promise resolves as soon as the fact is as durable as the
  journal makes it; otherwise nobody waits for it.

  @throws Fault JOURNAL_BUSY, JOURNAL_FAILED for one that is written ahead
  */
  accepted(invocation: Invocation, input: RequestInput): Promise<void> | undefined;
  /**
  Keeps its last fact. The reply does not wait for it.

  @param fault why it failed, if it did; its reply is made of it
  @param accept the caller's Accept field, on which the form of that reply depends
  */
  settled(invocation: Invocation, data: FactTypes['invocation.settled'], fault?: Fault, accept?: string): void;
  /** Keeps the fact that an attempt did not reach the function and another one follows. Only for deliveries that are written ahead. */
  deferred(invocation: Invocation, code: FaultCode): void;
}

export interface KeepOptions {
  readonly journal: JournalWriter;
  /** What is kept when a delivery is not written ahead. When it is, everything is kept. */
  readonly mode: 'off' | 'facts' | 'full';
  readonly redact: Redact;
  readonly log: Log;
  /** Keeps what the function writes during invocations that are kept in full. */
  readonly lines?: KeepLines;
  /** This boot of this core, where facts have to say which core they are of. */
  readonly core?: string | undefined;
}

/** What the function writes between the begin and the end of an invocation, and shortly after it. */
export interface KeepLines {
  begin(id: string): void;
  end(id: string): void;
}

export function keepInvocations({journal, mode, redact, log, lines, core}: KeepOptions): KeepInvocation {
  /** Where other cores may take over what is written ahead, its end is kept only if none has: the revision of the stream by its begin. */
  const revisions = core === undefined ? undefined : new WeakMap<Invocation, Position>();
  return {
    accepted(invocation, input) {
      const {writeAhead, source, attempt = 1, keeper, revision} = invocation.delivery;
      if (keeper) {
        lines?.begin(invocation.id);
        return undefined;
      }
      if (!writeAhead && mode === 'off') return undefined;
      const stream = `invocation.${invocation.id}`;
      const traceparent = invocation.span?.trace?.traceparent;
      const data: FactTypes['invocation.accepted'] = {source, bytes: input.open?.body?.bytes ?? input.body.length, attempt};
      if (traceparent !== undefined) data.traceparent = traceparent;
      if (core !== undefined) data.core = core; // which spares the journal a copy of the fact
      if (!writeAhead && mode === 'facts') {
        journal.record(stream, [{type: 'invocation.accepted', data}]);
        return undefined;
      }
      if (!writeAhead && input.open?.body) {
        // Its body passes through, and a request without it would be another one.
        lines?.begin(invocation.id);
        journal.record(stream, [{type: 'invocation.accepted', data}]);
        return undefined;
      }
      const name = `${stream}/request`;
      const payloads = [{name, bytes: writeRequest(input, redact)}];
      const fact: Fact = {type: 'invocation.accepted', data: {...data, dataref: name}};
      if (!writeAhead) {
        lines?.begin(invocation.id);
        journal.record(stream, [fact], payloads);
        return undefined;
      }
      const started: Fact = {type: 'attempt.started', data: {attempt, epoch: attempt}};
      const expect = revisions && revision !== undefined ? {expect: revision} : undefined;
      return journal.append(stream, [fact, started], {payloads, ...expect}).then(({position}) => {
        revisions?.set(invocation, position);
        lines?.begin(invocation.id);
      }, refuse);
    },

    settled(invocation, data, fault, accept = '') {
      const {writeAhead, keeper, attempt} = invocation.delivery;
      if (!keeper && !writeAhead && mode === 'off') return;
      const {id, pid} = invocation;
      const stream = `invocation.${id}`;
      if (pid !== undefined) data.pid = pid;
      if (core !== undefined) data.core = core;
      if (!keeper && !writeAhead && mode === 'facts') {
        journal.record(stream, [{type: 'invocation.settled', data}]);
        return;
      }
      lines?.end(id);
      // A caller that left got no reply.
      const result = invocation.result ?? (fault && fault.code !== 'CALLER_LEFT' ? faultResult(fault, id, accept) : undefined);
      const name = `${stream}/reply`;
      if (result) data.dataref = name;
      const reply = (): Payload[] => (result ? [{name, bytes: writeReply(result, redact)}] : []);
      const failed = data.code === undefined ? undefined : attemptFailed(data.code, fault?.ended, attempt, pid);
      if (keeper) {
        keeper.ended({
          settled: data,
          failed,
          get payloads() {
            return reply();
          },
        });
        return;
      }
      const settled: Fact = {type: 'invocation.settled', data};
      if (!writeAhead) {
        journal.record(stream, [settled], reply());
        return;
      }
      const facts: [Fact, ...Fact[]] = failed ? [{type: 'attempt.failed', data: failed}, settled] : [settled];
      keep(invocation, facts, reply(), 'The end of an invocation could not be kept: it may run again');
    },

    deferred(invocation, code) {
      lines?.end(invocation.id);
      if (invocation.delivery.keeper) return; // it knows from the reply
      const data = {attempt: invocation.delivery.attempt ?? 1, class: 'busy', retryable: true, code} as const;
      keep(invocation, [{type: 'attempt.failed', data}], [], 'An attempt that did not reach the function could not be kept');
    },
  };

  /** It is left to the core that has begun it; if that one does not end it, its trigger delivers it again. */
  function refuse(error: Error): never {
    if (!(error instanceof RevisionConflict)) throw error;
    throw new Fault('JOURNAL_FAILED', {message: 'Another core has begun it', cause: error, retryAfterS: 1});
  }

  /** Keeps facts that the invocation does not wait for. */
  function keep(invocation: Invocation, facts: readonly [Fact, ...Fact[]], payloads: readonly Payload[], problem: string): void {
    const {id} = invocation;
    const expect = revisions?.get(invocation);
    journal.append(`invocation.${id}`, facts, {payloads, ...(expect !== undefined && {expect})}).catch(error => {
      if (error instanceof RevisionConflict)
        log.warn({invocationId: id}, 'Another core delivered it again: the outcome here does not count');
      else log.error({invocationId: id, cause: error.message}, problem);
    });
  }
}

function attemptFailed(code: FaultCode, ended: 'crash' | 'oom' | undefined, attempt = 1, pid?: number): FactTypes['attempt.failed'] {
  const data = {attempt, class: ended ?? classOf(code), retryable: code === 'UPSTREAM_LOST', code};
  return pid === undefined ? data : {...data, pid};
}

function classOf(code: FaultCode): AttemptFailure {
  if (code === 'UPSTREAM_TIMEOUT') return 'timeout';
  if (code === 'UPSTREAM_LOST') return 'lost';
  if (code === 'CALLER_LEFT') return 'cancelled';
  return code.startsWith('POOL_') || code === 'DRAINING' ? 'busy' : 'error';
}
