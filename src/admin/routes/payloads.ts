import type {JournalReader} from '../../journal.ts';
import {readReply, readRequest} from '../../journals/payload.ts';
import {Refusal, type Route} from '../../route.ts';
import type {JournalDesk} from '../reading/desk.ts';

/** Bytes of a body that stand in the answer; the rest has a page of its own. */
const mostShown = 256 * 2 ** 10;

const parts = {
  request: {
    read(bytes: Uint8Array) {
      const {method, path, query, headers, sourceIp, eventType, body} = readRequest(bytes);
      return {head: {method, path, query, headers: pairs(headers), sourceIp, eventType}, body};
    },
  },
  reply: {
    read(bytes: Uint8Array) {
      const {status, headers, body} = readReply(bytes);
      return {head: {status, headers: pairs(headers)}, body};
    },
  },
} as const;

/** What is kept of the request and of the reply of an invocation, without its secrets. */
export function payloadRoutes({journal}: {readonly journal: JournalReader}, desk: JournalDesk): Route[] {
  return (['request', 'reply'] as const).flatMap((part): Route[] => [
    {
      method: 'GET',
      path: `/api/invocations/<id>/${part}`,
      doc: `The ${part} of an invocation as it was kept: the first 256 KiB of its body as base64.`,
      run: ({name: id, response}) =>
        desk.answer(response, async () => {
          const {head, body} = await read(journal, id, part);
          const isTruncated = body.length > mostShown;
          return {...head, body: {bytes: body.length, base64: body.subarray(0, mostShown).toString('base64'), truncated: isTruncated}};
        }),
    },
    {
      method: 'GET',
      path: `/api/invocations/<id>/${part}/body`,
      doc: `The whole body of the ${part}, as bytes.`,
      async run({name: id, response}) {
        const bytes = await desk.bytes(response, async () => (await read(journal, id, part)).body);
        return {
          type: 'application/octet-stream',
          headers: {
            'Cache-Control': 'no-store',
            'X-Content-Type-Options': 'nosniff',
            // Never shown as a page: somebody else wrote it.
            'Content-Security-Policy': "default-src 'none'; sandbox",
            'Content-Disposition': `attachment; filename="${id.replaceAll(/[^\w-]/g, '_').slice(0, 100)}-${part}"`,
          },
          body: bytes,
        };
      },
    },
  ]);
}

/** @throws Refusal NOT_FOUND; JournalDamaged */
async function read(journal: JournalReader, id: string, part: keyof typeof parts) {
  const bytes = await journal.payload(`invocation.${id}/${part}`);
  if (!bytes) throw new Refusal('NOT_FOUND', `the ${part} is not kept: see CORE_JOURNAL_HTTP and CORE_JOURNAL_KEEP_BODIES`);
  return parts[part].read(bytes);
}

const pairs = (headers: readonly string[]) => headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1] ?? '']] : []));
