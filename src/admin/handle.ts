import type {IncomingMessage, ServerResponse} from 'node:http';
import type Koa from 'koa';
import {guardHead} from '../../triggers/http/guard.ts';
import {parseTarget} from '../../triggers/http/target.ts';
import type {Clock} from '../clock.ts';
import {late} from '../late.ts';
import {LimitedLog} from '../limits/limited-log.ts';
import type {Log} from '../log.ts';
import type {Meter} from '../meter.ts';
import {Refusal, type Reply, type Route} from '../route.ts';
import {type CallerRules, callerOf, refuseCaller} from './caller.ts';
import {answerFailure} from './failure.ts';
import {type Match, pickMethod, routesAt} from './match.ts';
import {limitReading} from './reading/patience.ts';
import {takeTurn} from './turns.ts';

export interface HandlingOptions {
  /** Who may use the routes that are not open to everybody. */
  readonly rules: CallerRules;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Pick<Meter, 'readerRefused'>;
}

/**
Makes the one function that answers every request to the private listener. It takes a connection's requests in turn,
finds the route, authorises the caller, and sends the reply. Any error on the way is logged and answered in one shape.
*/
export function handlerOf(
  routes: readonly Route[],
  options: HandlingOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const {rules, clock, meter} = options;
  const log = limited(options.log, clock);
  const Application = late('koa') as typeof Koa;
  const app = new Application();
  // Replaces Koa's own handler, which assigns to the error that it gets. Some errors throw at that, and nothing would catch it.
  app.context.onerror = function (this: Koa.Context, error: unknown) {
    if (error !== null && error !== undefined) answerFailure(this.req, this.res, error, log);
  };
  app.use(async ctx => {
    limitReading(ctx.res, clock, () => meter.readerRefused('slow'));
    try {
      if (await takeTurn(ctx.res)) await answer(ctx);
    } catch (error) {
      ctx.respond = false;
      answerFailure(ctx.req, ctx.res, error, log);
    }
  });
  return app.callback();

  async function answer(ctx: Koa.Context): Promise<void> {
    const fault = guardHead(ctx.req);
    if (fault) throw fault;
    const {path, query} = targetOf(ctx.req);
    const matches = routesAt(routes, path);
    // An unknown path of the API is a secret, too: a stranger must not learn which ones exist.
    const open = matches.length === 0 ? !path.startsWith('/api/') || undefined : leastOpen(matches);
    const caller = callerOf(ctx.req, field => ctx.get(field));
    const refusal = open === true ? undefined : refuseCaller(caller, rules, open);
    if (refusal) throw refusal;
    const {route, name} = pickMethod(matches, ctx.method);
    const {req: request, res: response} = ctx;
    send(
      ctx,
      await route.run({
        request,
        response,
        name,
        query: new URLSearchParams(query),
        get: field => ctx.get(field),
        isStillLetIn: () => open === true || refuseCaller(caller, rules, open) === undefined,
        accepts: (...types) => ctx.accepts(...types),
        acceptsEncodings: (...codings) => ctx.acceptsEncodings(...codings),
      }),
    );
  }
}

/** @throws Refusal, Fault REQUEST_MALFORMED */
function targetOf({url: target = ''}: IncomingMessage): {path: string; query: string} {
  if (!target.startsWith('/') && !URL.canParse(target)) throw new Refusal('BAD_REQUEST', 'the target is neither a path nor a URL');
  return parseTarget(target);
}

/** The strictest of the routes at a path. */
function leastOpen(matches: readonly Match[]): Route['open'] {
  if (matches.some(({route}) => !route.open)) return undefined;
  return matches.every(({route}) => route.open === true) ? true : 'page';
}

/** In full: by the short name Koa would look it up in a table of 2,500, which the built core does not have. */
const json = 'application/json; charset=utf-8';

function send(ctx: Koa.Context, reply: Reply | undefined): void {
  if (!reply) {
    ctx.respond = false; // the route has answered
    return;
  }
  const {status = 200, type = json, headers = {}, body} = reply;
  ctx.status = status;
  ctx.set('X-Content-Type-Options', 'nosniff');
  // What a core did, and what was asked of it, is no business of a cache.
  if (ctx.path.startsWith('/api/')) ctx.set('Cache-Control', 'no-store');
  ctx.set(headers);
  if (body !== null) ctx.type = type;
  ctx.body = body;
}

/** Everybody who reaches the listener can cause its lines, and a flood of requests must not become a flood of lines. */
function limited(log: Log, clock: Clock): Log {
  const lines = new LimitedLog(log, clock);
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => lines.write('warn', `${fields.code}`, fields, message),
    error: (fields, message) => lines.write('error', `${fields.code}`, fields, message),
  };
}
