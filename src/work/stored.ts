import type {Payload} from '../journal.ts';
import {isRedacted, type RecordedRequest, type Redact, readRequest, writeRequest} from '../journals/payload.ts';
import type {WorkItem} from '../work.ts';

/** A request that runs later, perhaps more than once. */
export interface StoredRequest {
  readonly request: RecordedRequest;
  /** Who sent it. */
  readonly subject: string;
}

/*
A request is kept without its secrets, as every request is. The function needs them each time that it is called, so they
are kept beside it until the work is over. A request without secrets, of nobody in particular, has nothing beside it.
*/

const requestName = (id: string) => `invocation.${id}/request`;
const secretsName = (id: string) => `invocation.${id}/secrets`;

/** What is needed to run the request later, as payloads: one of a request that has no secrets. */
export function storedPayloads(id: string, {request, subject}: StoredRequest, redact: Redact): Payload[] {
  const kept = redact(request.headers);
  const secrets = request.headers.map((field, index) => (field === kept[index] ? null : field));
  const hasSecrets = secrets.some(secret => secret !== null);
  const stored = {name: requestName(id), bytes: writeRequest(request, redact)};
  // A value that only looks as if it was taken out is kept like one that was.
  if (subject === '' && !hasSecrets && !request.headers.some(isRedacted)) return [stored];
  const hidden = {subject, secrets: hasSecrets ? secrets : []};
  return [stored, {name: secretsName(id), bytes: Buffer.from(JSON.stringify(hidden))}];
}

/** Takes the secrets of an item that is over out of the journal. */
export const forgottenSecrets = ({id, isBare}: Pick<WorkItem, 'id' | 'isBare'>): Payload[] =>
  isBare ? [] : [{name: secretsName(id), bytes: Buffer.alloc(0)}];

/** @returns undefined when the request is not there any more */
export async function readStored(
  id: string,
  payload: (name: string) => Promise<Uint8Array | undefined>,
): Promise<StoredRequest | undefined> {
  const bytes = await payload(requestName(id));
  if (!bytes) return undefined;
  const request = readRequest(bytes);
  const hidden = await payload(secretsName(id));
  if (!hidden?.length) return {request: {...request, headers: withoutRedacted(request.headers)}, subject: ''};
  const {subject, secrets} = JSON.parse(Buffer.from(hidden).toString()) as {subject: string; secrets: (string | null)[]}; // as above
  return {request: {...request, headers: request.headers.map((field, index) => secrets[index] ?? field)}, subject};
}

/** Name, value … without the fields whose values were taken out. */
export function withoutRedacted(headers: readonly string[]): string[] {
  return headers.filter((_, index) => !isRedacted(headers[index - (index % 2) + 1] ?? ''));
}
