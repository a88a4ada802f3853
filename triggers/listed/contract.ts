import type {Delivery} from '../../src/delivery.ts';

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

/** @throws TypeError for what is not a delivery */
export function checkDelivery(delivery: Delivery): void {
  for (const [member, type] of required) {
    const given: unknown = delivery?.[member];
    if (typeof given !== type) throw new TypeError(`Expected \`${member}\` of a delivery to be a ${type}, got ${shown(given)}`);
  }
  if (!(delivery.signal instanceof AbortSignal)) {
    throw new TypeError(`Expected \`signal\` of a delivery to be an AbortSignal, got ${shown(delivery.signal)}`);
  }
}

const required = [
  ['source', 'string'],
  ['writeAhead', 'boolean'],
  ['subject', 'function'],
  ['input', 'function'],
  ['reply', 'function'],
] as const;

const shown = (value: unknown) => (typeof value === 'function' || typeof value === 'object' ? typeof value : `\`${String(value)}\``);
