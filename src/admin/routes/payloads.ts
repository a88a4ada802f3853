import type {JournalReader} from '../../journal.ts';
import {readReply, readRequest} from '../../journals/payload.ts';
import {Refusal, type Route} from '../../route.ts';
import type {JournalDesk} from '../reading/desk.ts';
import {described} from './described.ts';

const parts = {request: readRequest, reply: readReply} as const;

/** The bodies of a request and of a reply as they were kept, whole and as bytes. */
export function payloadRoutes({journal}: {readonly journal: JournalReader}, desk: JournalDesk): Route[] {
  return (['request', 'reply'] as const).map(part => ({
    method: 'GET',
    path: `/api/invocations/<id>/${part}/body`,
    described: described('bytes'),
    doc: `The whole body of the ${part} of an invocation, as bytes.`,
    async run({name: id, response}) {
      const bytes = await desk.bytes(response, () => read(journal, id, part));
      return {
        type: 'application/octet-stream',
        headers: {
          // Never shown as a page: somebody else wrote it.
          'Content-Security-Policy': "default-src 'none'; sandbox",
          'Content-Disposition': `attachment; filename="${id.replaceAll(/[^\w-]/g, '_').slice(0, 100)}-${part}"`,
        },
        body: bytes,
      };
    },
  }));
}

/** @throws Refusal NOT_FOUND; JournalDamaged */
async function read(journal: JournalReader, id: string, part: keyof typeof parts): Promise<Buffer> {
  const bytes = await journal.payload(`invocation.${id}/${part}`);
  if (!bytes) throw new Refusal('NOT_FOUND', `the ${part} is not kept: see CORE_JOURNAL_HTTP and CORE_JOURNAL_KEEP_BODIES`);
  return parts[part](bytes).body;
}
