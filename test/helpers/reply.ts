import type {IncomingMessage} from 'node:http';

/** What came, and whether the reply ended cleanly. */
export async function read(reply: IncomingMessage): Promise<{text: string; isWhole: boolean}> {
  let text = '';
  try {
    for await (const chunk of reply) text += chunk;
    return {text, isWhole: true};
  } catch {
    return {text, isWhole: false};
  }
}
