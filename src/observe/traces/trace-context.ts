import type {Fields} from '../../delivery.ts';
import type {InvocationTrace} from '../../runtime.ts';

const validTraceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-|$)/;
const validKey = /^[a-z0-9][a-z0-9_*/@-]{0,255}$/;
const validValue = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;
const mostMembers = 32;
const mostCharacters = 512;
/** Members longer than this go first when the list is too long. */
const longMember = 128;

/**
The caller's trace context, if it sent a valid one. A `tracestate` that breaks a rule is dropped as a whole, except that when
a key comes twice the first counts.

@see W3C Trace Context level 2, §3.2, §3.3 and §4
*/
export function readTrace(fields: Fields): InvocationTrace | undefined {
  const traceparent = fields.get('traceparent');
  if (traceparent === '' || !validTraceparent.test(traceparent)) return undefined;
  if (traceparent.startsWith('00') && traceparent.length !== 55) return undefined;
  const tracestate = readState(fields.get('tracestate'));
  return tracestate === '' ? {traceparent} : {traceparent, tracestate};
}

/** A trace context as text; later versions of it start with the same fields. */
export const traceIdOf = ({traceparent}: InvocationTrace) => traceparent.slice(3, 35);
export const isSampled = ({traceparent}: InvocationTrace) => (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1;

function readState(text: string): string {
  if (text === '') return '';
  const members = new Map<string, string>();
  for (const part of text.split(',')) {
    const member = part.replace(/^[ \t]+|[ \t]+$/g, '');
    if (member === '') continue;
    const equals = member.indexOf('=');
    const key = member.slice(0, equals);
    if (equals === -1 || !validKey.test(key) || !validValue.test(member.slice(equals + 1))) return '';
    if (!members.has(key)) members.set(key, member);
  }
  if (members.size > mostMembers) return '';
  return shortened([...members.values()]).join(',');
}

/** Shortens the list to what every system must pass on: removes long members first, then the oldest, which are at the end. */
function shortened(members: string[]): string[] {
  const length = () => members.reduce((sum, member) => sum + member.length + 1, -1);
  for (let at = members.length - 1; at >= 0 && length() > mostCharacters; at--) {
    if ((members[at]?.length ?? 0) > longMember) members.splice(at, 1);
  }
  while (length() > mostCharacters) members.pop();
  return members;
}

/**
A `tracestate` that was read by `readTrace`, for the SDK: its own knows the keys of level 1 only, and drops the others.
Changes give a new one, with the member that was changed in front.
*/
export class PassedState {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get(key: string): string | undefined {
    const member = this.#members().find(each => each.startsWith(`${key}=`));
    return member?.slice(key.length + 1);
  }

  set(key: string, value: string): PassedState {
    const changed = readState([`${key}=${value}`, ...this.unset(key).#members()].join(','));
    return changed === '' ? this : new PassedState(changed); // a key or a value that is not allowed changes nothing
  }

  unset(key: string): PassedState {
    return new PassedState(
      this.#members()
        .filter(each => !each.startsWith(`${key}=`))
        .join(','),
    );
  }

  serialize(): string {
    return this.#text;
  }

  #members(): string[] {
    return this.#text === '' ? [] : this.#text.split(',');
  }
}
