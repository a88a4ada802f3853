import type {Fields} from '../delivery.ts';
import {Fault} from '../errors.ts';
import {parseDuration} from '../settings/setting.ts';
import {type CallbackHosts, refuseCallback} from './callback-hosts.ts';
import {readIdempotencyKey} from './idempotency-key.ts';
import {readAsyncPreference} from './prefer.ts';
import {readDelay, readExpiry, readMoment} from './times.ts';

/** What the sender of a request asks for besides its reply. All times are wall time in milliseconds since 1970. */
export interface Wish {
  /** The sender does not wait for the reply, or only for a while. */
  readonly isAsync: boolean;
  /** How long the sender waits for the reply before it takes an id in its place; 0 when it does not wait. */
  readonly waitMs: number;
  /** The value of `Preference-Applied`; undefined when no preference was given. */
  readonly applied?: string | undefined;
  /** The path that the function sees, when it is another one than was asked for. */
  readonly path?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  /** It does not start before; undefined for now. */
  readonly due?: number | undefined;
  readonly expires?: number | undefined;
  readonly orderingKey?: string | undefined;
  readonly callback?: string | undefined;
}

/** Whose ways of asking are understood besides our own. */
export type Compat = 'openfaas' | 'lambda';

export interface WishOptions {
  readonly now: number;
  readonly compat: ReadonlySet<Compat>;
  /** Where replies may be posted; undefined when callbacks are off. */
  readonly callbackHosts: CallbackHosts | undefined;
}

/**
Reads what a request asks for. A field that is empty counts as absent.

@param fields those of the request; lines of the same name are joined by a comma
@param path decoded, without query
@returns undefined when it asks for nothing of this
@throws Fault REQUEST_MALFORMED that names the field, its rule and an example
*/
export function readWish(fields: Fields, path: string, options: WishOptions): Wish | undefined {
  const idempotencyKey = readIdempotencyKey(fields.get('idempotency-key'));
  const way = readWay(fields, path, options.compat);
  if (way || idempotencyKey !== undefined) refuseTimeout(fields.get('core-timeout'));
  if (way) return {isAsync: true, ...way, idempotencyKey, ...readTerms(fields, options)};
  refuseTerms(fields);
  return idempotencyKey === undefined ? undefined : {isAsync: false, waitMs: 0, idempotencyKey};
}

/** How it asks for an answer before the reply; undefined when it does not. */
function readWay(fields: Fields, path: string, compat: ReadonlySet<Compat>): Pick<Wish, 'waitMs' | 'applied' | 'path'> | undefined {
  const rest = compat.has('openfaas') ? pathBehindGateway(path) : undefined;
  const preference = readAsyncPreference(fields.get('prefer'));
  if (preference) return {...preference, path: rest};
  if (rest !== undefined) return {waitMs: 0, path: rest};
  const isEvent = compat.has('lambda') && fields.get('x-amz-invocation-type').toLowerCase() === 'event';
  return isEvent ? {waitMs: 0} : undefined;
}

/** OpenFaaS: `/async-function/<name>/a/b` calls the function with `/a/b`. */
function pathBehindGateway(path: string): string | undefined {
  const [found, rest = '/'] = /^\/async-function\/[^/]+(\/.*)?$/s.exec(path) ?? [];
  return found === undefined ? undefined : rest;
}

type Terms = Pick<Wish, 'due' | 'expires' | 'orderingKey' | 'callback'>;

function readTerms(fields: Fields, {now, compat, callbackHosts}: WishOptions): Terms {
  const delay = fields.get('core-delay');
  const moment = fields.get('core-not-before');
  if (delay !== '' && moment !== '') throw malformed('Core-Delay and Core-Not-Before exclude each other: send one of them');
  const due = delay === '' ? readMoment('Core-Not-Before', moment, now) : readDelay('Core-Delay', delay, now);
  const expires = readExpiry('Core-Expires', fields.get('core-expires'), now);
  if (expires !== undefined && expires <= Math.max(due ?? now, now)) {
    const than = due === undefined ? 'be longer than 0' : 'end after the moment of Core-Delay or Core-Not-Before';
    throw malformed(`Core-Expires must ${than}, such as \`Core-Delay: 10m\` with \`Core-Expires: 1h\``);
  }
  const callback = readCallback(fields, compat, callbackHosts);
  return {due, expires, orderingKey: readOrderingKey(fields.get('core-ordering-key')), callback};
}

function readOrderingKey(given: string): string | undefined {
  if (given === '') return undefined;
  if (/^[!-~]{1,255}$/.test(given)) return given;
  throw malformed('Core-Ordering-Key must have 1 to 255 visible ASCII characters and no spaces, such as `customer-7`');
}

function readCallback(fields: Fields, compat: ReadonlySet<Compat>, hosts: CallbackHosts | undefined): string | undefined {
  for (const [name, isOurs] of [
    ['Core-Callback', true],
    ['X-Callback-Url', compat.has('openfaas')],
  ] as const) {
    const given = isOurs ? fields.get(name) : '';
    if (given === '') continue;
    const problem = refuseCallback(given, hosts);
    if (problem !== undefined) throw malformed(`${name} ${problem}`);
    return given;
  }
  return undefined;
}

/** It counts from the begin of each attempt: a receipt for one that can never begin would promise too much. */
function refuseTimeout(given: string): void {
  if (given !== '' && parseDuration(given) === undefined) throw malformed('Core-Timeout must be a duration, such as 500ms or 2s');
}

/** These say how work is done, and so mean nothing for a call that is answered at once. */
function refuseTerms(fields: Fields): void {
  for (const name of ['Core-Delay', 'Core-Not-Before', 'Core-Expires', 'Core-Ordering-Key', 'Core-Callback']) {
    if (fields.get(name) !== '') throw malformed(`${name} is for requests that nobody waits for: send \`Prefer: respond-async\`, too`);
  }
}

const malformed = (message: string) => new Fault('REQUEST_MALFORMED', {message});
