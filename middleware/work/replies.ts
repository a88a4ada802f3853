import type {InvocationResult} from '../../src/delivery.ts';
import {defaultHeaders} from '../../src/http/answer.ts';
import type {Durability} from '../../src/journal.ts';
import {linksTo} from '../../src/work/view.ts';

/** An answer of the core itself. */
export function jsonReply(status: number, id: string, value: unknown, headers: readonly string[] = []): InvocationResult {
  const own = ['Content-Type', 'application/json', 'X-Content-Type-Options', 'nosniff', 'Core-Invocation-Id', id];
  return {status, headers: [...Object.entries(defaultHeaders).flat(), ...own, ...headers], body: `${JSON.stringify(value)}\n`};
}

/** The receipt of work that was accepted. @param durability what is promised, never more */
export function acceptedReply(
  id: string,
  {applied, durability, isReplay}: {applied: string | undefined; durability: Durability; isReplay: boolean},
): InvocationResult {
  const links = linksTo(id);
  const headers = ['Location', links.self, 'Core-Durability', durability];
  if (applied !== undefined) headers.push('Preference-Applied', applied);
  if (isReplay) headers.push('Idempotency-Replayed', 'true');
  return jsonReply(202, id, {id, status: 'accepted', links}, headers);
}
