import test from 'ava';
import {projectFile, type RunningCore, startCore} from './core.ts';
import {Wire} from './wire.ts';

/*
Requests as an adversary sends them, byte for byte. Each has a path of its own, on which its runs are counted: a refusal
means that nothing ran, neither then nor later.
*/

export interface Case {
  readonly title: string;
  /** Text stands for its bytes in Latin-1; an @ for the case's own path. A list is sent in parts, a pause between them. */
  readonly send: string | readonly (string | Buffer)[];
  /** The statuses of every answer, in order. */
  readonly gets: readonly number[];
  readonly runs: number;
  /** Whether the last answer ends the connection. */
  readonly closes: boolean;
  readonly methods?: readonly string[];
  /** Is in the body of the last answer, or fits it. */
  readonly says?: RegExp;
  readonly code?: string;
}

export const host = 'Host: a.example\r\n';
export const next = `GET @/next HTTP/1.1\r\n${host}\r\n`;
export const smuggled = `GET @/smuggled HTTP/1.1\r\n${host}\r\n`;
export const post = (fields: string, body = '') => `POST @ HTTP/1.1\r\n${host}${fields}\r\n${body}`;
export const get = (fields: string) => `GET @ HTTP/1.1\r\n${host}${fields}\r\n`;
export const chunked = (body: string) => post('Transfer-Encoding: chunked\r\n', body);

export const refused = (title: string, send: Case['send'], status = 400, more: Partial<Case> = {}): Case => ({
  title,
  send,
  gets: [status],
  runs: 0,
  closes: true,
  ...more,
});
export const served = (title: string, send: Case['send'], more: Partial<Case> = {}): Case => ({
  title,
  send,
  gets: [200],
  runs: 1,
  closes: false,
  ...more,
});

/** Sends every case to one core, which starts before the first: one suite per file. */
export function edgeSuite(cases: readonly Case[]): void {
  let core: RunningCore;

  test.before(async () => {
    core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: projectFile('test/fixtures/functions/core/counting')});
  });
  test.after.always(() => core?.stop());

  for (const [index, {title, send, gets, runs, closes, methods = [], says, code}] of cases.entries()) {
    test(title, async t => {
      const path = `/c${index}`;
      const wire = new Wire(core.url);
      const parts = typeof send === 'string' ? [send] : send;
      for (const [position, part] of parts.entries()) {
        if (position > 0 && parts.length < 10) await new Promise(resolve => setTimeout(resolve, 20));
        await wire.write(Buffer.from(String(typeof part === 'string' ? part : part.toString('latin1')).replaceAll('@', path), 'latin1'));
      }
      const replies = closes ? await wire.rest(methods) : await wire.replies(gets.length, methods);
      t.deepEqual(
        replies.map(({status}) => status),
        gets,
        wire.received.toString('latin1').slice(0, 500),
      );
      const last = replies.at(-1);
      if (last && last.status >= 400) {
        t.is(last.field('connection'), 'close');
        t.regex(last.field('core-error'), code === undefined ? /^[A-Z_]+$/ : new RegExp(`^${code}$`));
        if (methods.at(-1) !== 'HEAD') t.regex(last.body.toString(), /^[^\n]+\n$/);
      }
      if (says) t.regex(last?.body.toString() ?? '', says);
      if (closes) {
        t.is(last?.field('connection'), 'close');
      } else {
        await wire.write(`GET ${path}/again HTTP/1.1\r\n${host}\r\n`);
        const again = await wire.replies(gets.length + 1, methods);
        t.is(again.at(-1)?.body.toString(), 'ran', 'the next request on the same connection');
        wire.destroy();
      }
      const count = await runsOf(core, path);
      t.is(count, runs + (closes ? 0 : 1));
    });
  }
}

/** On a connection of its own: it also shows that the core serves on. */
async function runsOf(core: RunningCore, path: string): Promise<number> {
  const wire = new Wire(core.url);
  await wire.write(`GET /runs?of=${path} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
  const [reply] = await wire.rest();
  return Number(reply?.body.toString());
}
