import type {OpenTrigger} from './trigger.ts';

type OpenTriggers = ReadonlyMap<string, OpenTrigger>;

/** Why one of them delivers nothing now, with its name; undefined when nothing is wrong. */
export function problemOf(opened: OpenTriggers): string | undefined {
  for (const [name, trigger] of opened) {
    const problem = trigger.problem?.();
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
}

/** What is wrong with any of them beside that, with their names; undefined when nothing is. */
export function detailOf(opened: OpenTriggers): string | undefined {
  const details = [...opened.values()].flatMap(trigger => trigger.detail?.() ?? []);
  return details.length > 0 ? details.join('; ') : undefined;
}

/** What an error comes from that nothing caught; undefined when it is from none of them. */
export function originOf(opened: OpenTriggers, error: unknown): string | undefined {
  for (const trigger of opened.values()) {
    const origin = trigger.originOf?.(error);
    if (origin !== undefined) return origin;
  }
  return undefined;
}

/**
Closes all triggers at once, so that nothing new comes in by one while another waits for its calls.

@throws the error of the first that failed, when all are closed
*/
export async function closeAll(opened: OpenTriggers): Promise<void> {
  const closings = await Promise.allSettled([...opened.values()].map(trigger => trigger[Symbol.asyncDispose]()));
  const failed = closings.find(({status}) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
