import {reportFailure} from '../../command/failure.ts';
import type {Observation} from '../../observation.ts';
import type {Environment} from '../../settings/setting.ts';
import type {DevServer, Reporter} from '../reporter.ts';
import {serveFunction} from '../serve.ts';
import type {ToDev, ToFunction} from './words.ts';

/** Observations that may be on their way. When `dev` stands still, more are left out: they would fill the memory. */
const mostUnread = 10_000;

/** Serves one of several functions in this process, for the `dev` that has started it, and until that is gone. */
export async function serveBehind(env: Environment): Promise<void> {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM')); // a clean stop, which lets requests in flight finish
  const {wish, observes} = await asked();
  try {
    await serveFunction(wish, env, reporterTo(send, observes));
  } catch (error) {
    process.exit(reportFailure(error));
  }
}

function asked(): Promise<Extract<ToFunction, {kind: 'serve'}>> {
  return new Promise(resolve => {
    process.on('message', function take(message: ToFunction) {
      if (message.kind !== 'serve') return;
      process.off('message', take);
      resolve(message);
    });
  });
}

function reporterTo(send: (words: ToDev) => void, observes: boolean): Reporter {
  return {
    ...(observes && {feed: observation => send({kind: 'observed', observation: withoutLargeBodies(observation)})}),
    serving(server) {
      process.on('message', ({kind}: ToFunction) => {
        if (kind === 'reload') void server.reload();
      });
      send({kind: 'serving', ...upOf(server)});
    },
    reloaded: outcome => send({kind: 'reloaded', outcome}),
    noted: line => send({kind: 'noted', line}),
  };
}

const upOf = ({served: {spec, url, adminUrl, isPublic}, runtime, error}: DevServer) => ({
  url,
  adminUrl,
  isPublic,
  handler: `${spec.handlerPath} (${spec.handlerName})`,
  runtime,
  ...(error !== undefined && {error}),
});

/** A request and a reply that are kept to be sent again may have so many bytes. */
const mostBytes = 64 * 2 ** 10;

/** Each call passes between the processes, so only small bodies go along. */
function withoutLargeBodies(observation: Observation): Observation {
  if (observation.type !== 'ended' || !observation.exchange) return observation;
  const {exchange, ...kept} = observation;
  return exchange.request.body.length + exchange.reply.body.length <= mostBytes ? observation : kept;
}

let unread = 0;

function send(words: ToDev): void {
  if (!process.connected || (words.kind === 'observed' && unread >= mostUnread)) return;
  unread++;
  process.send?.(words, undefined, {}, () => unread--);
}
