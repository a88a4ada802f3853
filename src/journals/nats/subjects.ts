import {hash} from 'node:crypto';

/*
Where everything stands in the one stream of an application. A server keeps some hundred bytes for each subject, so what
there may be millions of shares 65,536 subjects.

  core.<app>.j.f.<token>…          facts: the tokens of the name of their stream
  core.<app>.j.f.invocation.<h>    facts of invocations that were appended; h of 65,536
  core.<app>.j.f.invocation.r      facts of invocations that were only recorded, many in a message
  core.<app>.j.w.<id>              the state of an item of work
  core.<app>.o.<id>                that an item of work has its place in the order of its key
  core.<app>.j.l.<name>            leases
  core.<app>.p.<owner>.<name>.<n>  pieces of payloads
  core.<app>.i.<scope>             idempotency keys
  core.<app>.b.<boot>              barriers
  core.<app>.s                     who removes what is old
*/

/** Streams of which there are as many as invocations. */
const hashed = ['invocation', 'log'];
/** A name that is longer cannot be a subject. */
const longestName = 1024;

export interface Subjects {
  readonly stream: string;
  readonly all: string;
  /** Cores ask each other here to stop an item of work. Nothing of it is kept. */
  readonly stop: string;
  /** What is told to whoever follows, and where. */
  readonly told: {readonly src: string; readonly dest: string};
  readonly packs: string;
  readonly facts: string;
  readonly work: string;
  readonly leases: string;
  readonly places: string;
  of(stream: string): string;
  /** Of all streams whose names begin so, and of others. */
  below(prefix: string): string;
  item(id: string): string;
  place(id: string): string;
  lease(name: string): string;
  payload(name: string, piece: number | '*'): string;
  /** All payloads of one owner, as their names have it before the slash. */
  payloads(owner: string): string;
  key(scope: string): string;
  readonly keys: string;
  barrier(boot: string): string;
  /** Which core removes what is old, and how far it is. */
  readonly sweeper: string;
}

export function subjectsOf(application: string): Subjects {
  const root = `core.${application}`;
  const facts = `${root}.j.f`;
  return {
    stream: `CORE_${application}`,
    all: `${root}.>`,
    stop: `corefeed.${application}.stop`,
    told: {src: `${root}.j.>`, dest: `corefeed.${application}.>`},
    packs: `${facts}.invocation.r`,
    facts: `${facts}.>`,
    work: `${root}.j.w.*`,
    leases: `${root}.j.l.*`,
    places: `${root}.o.*`,
    of: stream => `${facts}.${tokensOf(stream)}`,
    below: prefix => {
      const whole = prefix.split('.').slice(0, -1);
      const [kind = ''] = whole;
      return [facts, ...(hashed.includes(kind) ? [kind] : whole.map(tokenOf)), '>'].join('.');
    },
    place: id => `${root}.o.${tokenOf(id)}`,
    item: id => `${root}.j.w.${tokenOf(id)}`,
    lease: name => `${root}.j.l.${tokenOf(name)}`,
    payload: (name, piece) => `${root}.p.${shortHash(ownerOf(name))}.${shortHash(name)}.${piece}`,
    payloads: owner => `${root}.p.${shortHash(owner)}.>`,
    key: scope => `${root}.i.${shortHash(scope)}`,
    keys: `${root}.i.*`,
    sweeper: `${root}.s`,
    barrier: boot => `${root}.b.${tokenOf(boot)}`,
  };
}

/** True for a stream that shares its subject with others. */
export const isHashed = (stream: string) => hashed.some(kind => stream.startsWith(`${kind}.`));

/** True where facts that are only recorded go into messages with many. */
export const isPacked = (stream: string) => stream.startsWith('invocation.');

function tokensOf(stream: string): string {
  if (isHashed(stream)) return `${stream.slice(0, stream.indexOf('.'))}.${hash('sha256', stream, 'hex').slice(0, 4)}`;
  const tokens = stream.split('.').map(tokenOf).join('.');
  if (tokens.length > longestName)
    throw new RangeError(`The name of a stream is ${tokens.length} characters long: there may be ${longestName}`);
  return tokens;
}

/** A part of a subject that stands for any text. An empty one is a percent sign alone. */
function tokenOf(text: string): string {
  if (text === '') return '%';
  return text.replaceAll(/[^\w-]/gu, character =>
    Buffer.from(character)
      .toString('hex')
      .replaceAll(/../g, byte => `%${byte}`),
  );
}

const ownerOf = (name: string) => name.slice(0, name.indexOf('/') + 1 || undefined).replace(/\/$/, '');

const shortHash = (text: string) => hash('sha256', text, 'hex').slice(0, 32);

/** The milliseconds of an RFC 9562 UUID version 7 at the end of a name. */
export function timeInId(stream: string): number | undefined {
  const [, high, low] = /([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.exec(stream) ?? [];
  return high === undefined || low === undefined ? undefined : Number.parseInt(high + low, 16);
}
