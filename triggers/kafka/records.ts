import type {Consumer} from '@platformatic/kafka';

export type FetchedPartition = Awaited<ReturnType<Consumer['fetch']>>['responses'][number]['partitions'][number];
type Batch = NonNullable<FetchedPartition['records']>[number];

/** What a topic has at an offset. */
export interface KafkaRecord {
  readonly offset: bigint;
  /** Undefined where the sender gave none. */
  readonly sentAt: number | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
  /** Roughly what it takes in memory. */
  readonly bytes: number;
}

/** Bits of the attributes of a batch. */
const isControl = (batch: Batch) => (batch.attributes & 0x20) !== 0;
const isTransactional = (batch: Batch) => (batch.attributes & 0x10) !== 0;
const hasTimeOfLog = (batch: Batch) => (batch.attributes & 0x08) !== 0;
/** What a control batch says. */
const isAbort = (batch: Batch) => batch.records[0]?.key?.readInt16BE(2) === 0;

/**
The records of an answer from an offset on, without those of transactions that were aborted.

@returns next: where to go on; undefined when the answer has nothing
*/
export function readRecords(
  {records, abortedTransactions}: FetchedPartition,
  from: bigint,
): {found: KafkaRecord[]; next: bigint | undefined} {
  const found: KafkaRecord[] = [];
  const aborted = new Set<bigint>();
  const later = (abortedTransactions ?? []).toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  let next: bigint | undefined;
  for (const batch of records ?? []) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    while (later[0] && later[0].firstOffset <= last) aborted.add(later.shift()?.producerId ?? -1n);
    next = last + 1n;
    if (isControl(batch)) {
      if (isAbort(batch)) aborted.delete(batch.producerId);
    } else if (!(isTransactional(batch) && aborted.has(batch.producerId))) {
      found.push(...batch.records.map(record => recordOf(batch, record)).filter(({offset}) => offset >= from));
    }
  }
  return {found, next: next !== undefined && next < from ? from : next};
}

function recordOf(batch: Batch, {offsetDelta, timestampDelta, key, value, headers, length}: Batch['records'][number]): KafkaRecord {
  const time = Number(hasTimeOfLog(batch) ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta);
  const offset = batch.firstOffset + BigInt(offsetDelta);
  return {offset, sentAt: time >= 0 ? time : undefined, key, value, headers, bytes: length + 100};
}
