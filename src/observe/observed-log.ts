import type {Clock} from '../clock.ts';
import type {Log, LogFields} from '../log.ts';
import type {LogLevel, Observation, Observer} from '../observation.ts';
import type {OpenLog} from './log.ts';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A log that writes nothing: it reports each record to the person who watches. */
export function observedLog(level: string, observer: Observer, clock: Clock): OpenLog {
  let isSilent = false;
  const writing = (least: number): Log => {
    const write = (each: LogLevel): Log['info'] => {
      if (levels.indexOf(each) < least) return () => {};
      return (fields, message) => void (isSilent || observer({type: 'log', at: clock.now(), level: each, fields, message}));
    };
    return {debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error')};
  };
  const least = levels.indexOf(level as LogLevel);
  return {
    ...writing(least),
    of: () => writing(0),
    function(line) {
      const isShown = levels.indexOf(line.level ?? 'info') >= least;
      if (isShown && !isSilent) observer({type: 'line', at: clock.now(), line});
    },
    pass: record => void (isSilent || observer(observationOf(record, clock.now()))),
    waitingBytes: () => 0,
    async drain() {},
    abandon() {
      isSilent = true;
    },
    async [Symbol.asyncDispose]() {
      isSilent = true;
    },
  };
}

/** A record that a process beside this one wrote as JSON. */
function observationOf(text: string, at: number): Observation {
  const {level, time: _, source, msg, ...fields} = recordIn(text);
  const message = typeof msg === 'string' ? msg : text;
  if (source !== 'function') return {type: 'log', at, level: levels.find(each => each === level) ?? 'info', fields, message};
  const {stream, stack, invocationId} = fields;
  const thrown = level === 'error' && ({level, ...(typeof stack === 'string' && {stack})} as const);
  const line = {stream: stream === 'stderr' ? stream : 'stdout', line: message, ...thrown} as const;
  return {type: 'line', at, line: {...line, ...(typeof invocationId === 'string' && {invocationId})}};
}

function recordIn(text: string): LogFields {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
