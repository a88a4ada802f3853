import type {Delivery, Input} from '../../src/delivery.ts';
import {Hold} from '../../src/limits/budget.ts';

/** The version of the contract that this core keeps. */
const version = 1;

/** What is wrong with the exports of a package; undefined when nothing is. */
export function contractProblem(exports: Readonly<Record<string, unknown>>): string | undefined {
  const {trigger} = exports;
  if (typeof trigger !== 'object' || trigger === null) {
    return `expected an export \`trigger\` that is an object, got ${Object.keys(exports).join(', ') || 'no exports'}`;
  }
  const {contract, read, open} = trigger as Record<string, unknown>;
  if (contract !== version) return `expected \`trigger.contract\` to be ${version}, got ${shown(contract)}`;
  if (typeof read !== 'function') return `expected \`trigger.read\` to be a function, got ${shown(read)}`;
  if (typeof open !== 'function') return `expected \`trigger.open\` to be a function, got ${shown(open)}`;
  return undefined;
}

/** @throws TypeError for what is not an open trigger */
export function checkOpened(opened: unknown): void {
  const {[Symbol.asyncDispose]: dispose, problem} = Object(opened);
  if (typeof dispose !== 'function') throw new TypeError('Expected `open` to return an object with a method [Symbol.asyncDispose]');
  if (problem !== undefined && typeof problem !== 'function')
    throw new TypeError(`Expected \`problem\` to be a function, got ${shown(problem)}`);
}

/**
@param name of the entry that delivers
@throws TypeError for what is not a delivery, or says that another delivers it
*/
export function checkDelivery(delivery: Delivery, name: string): void {
  for (const [member, type] of required) {
    const given: unknown = delivery?.[member];
    if (typeof given !== type) throw new TypeError(`Expected \`${member}\` of a delivery to be a ${type}, got ${shown(given)}`);
  }
  const {source} = delivery;
  if (source !== name && !source.startsWith(`${name}:`)) {
    throw new TypeError(
      `Expected \`source\` of a delivery to be ${shown(name)}, or to begin with ${shown(`${name}:`)}, got ${shown(source)}`,
    );
  }
  if (!(delivery.signal instanceof AbortSignal)) {
    throw new TypeError(`Expected \`signal\` of a delivery to be an AbortSignal, got ${shown(delivery.signal)}`);
  }
  const {id, attempt} = delivery as {id?: unknown; attempt?: unknown};
  if (id !== undefined && !(typeof id === 'string' && /^[\w-]{1,100}$/.test(id))) {
    throw new TypeError(`Expected \`id\` of a delivery to be 1 to 100 letters, digits, - and _, got ${shown(id)}`);
  }
  if (attempt !== undefined && !(Number.isInteger(attempt) && Number(attempt) > 0)) {
    throw new TypeError(`Expected \`attempt\` of a delivery to be a number from 1 on, got ${shown(attempt)}`);
  }
}

const required = [
  ['source', 'string'],
  ['writeAhead', 'boolean'],
  ['subject', 'function'],
  ['input', 'function'],
  ['reply', 'function'],
] as const;

/** @throws TypeError for an input of which the event stage cannot make an event */
export function checkInput(input: Input): void {
  const expect = (isMet: boolean, member: string, what: string, given: unknown) => {
    if (!isMet) throw new TypeError(`Expected \`${member}\` of an input to be ${what}, got ${shown(given)}`);
  };
  const given = Object(input) as Record<string, unknown>;
  const {shape, eventType, reply, body, context, holder} = given;
  expect(shape === 'message' || shape === 'request', 'shape', 'message or request', shape);
  expect(typeof eventType === 'string' && /^[\w.-]{1,64}$/.test(eventType), 'eventType', 'one short word', eventType);
  expect(reply === 'http' || reply === 'outcome', 'reply', 'http or outcome', reply);
  expect(Buffer.isBuffer(body), 'body', 'a Buffer', body);
  const [texts, list] = shape === 'message' ? [['contentType'], 'attributes'] : [['method', 'path', 'query', 'sourceIp'], 'headers'];
  for (const member of texts) expect(typeof given[member] === 'string', member, 'a string', given[member]);
  const words = given[list];
  expect(Array.isArray(words) && words.every(word => typeof word === 'string'), list, 'a list of strings', words);
  expect(holder === undefined || isHolder(holder), 'holder', 'an object with `written` and a `replyHold` of the budget', holder);
  if (context === undefined) return;
  expect(typeof context === 'object' && context !== null && !Array.isArray(context), 'context', 'an object', context);
  const taken = Object.keys(Object(context)).find(name => usualMembers.has(name));
  expect(taken === undefined, 'context', 'without the members that every event or record has', taken);
}

/** The holds must be those of the core, as they are used while a sub-runtime is leased: an error there would keep the lease. */
function isHolder(given: unknown): boolean {
  const {written, replyHold, eventHold} = Object(given);
  return typeof written === 'function' && replyHold instanceof Hold && (eventHold === undefined || eventHold instanceof Hold);
}

/** Names that `event.requestContext` has already, and names that the journal's record of a request has beside the context. */
const usualMembers: ReadonlySet<string> = new Set([
  ...['accountId', 'resourceId', 'apiId', 'resourcePath', 'authorizer', 'stage', 'eventType', 'httpMethod', 'path', 'requestId'],
  ...['identity', 'reply', 'method', 'query', 'headers', 'sourceIp'],
]);

const shown = (value: unknown) => (typeof value === 'function' || typeof value === 'object' ? typeof value : `\`${String(value)}\``);
