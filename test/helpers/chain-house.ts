import {generateKeyPairSync, sign} from 'node:crypto';
import {auth, authPublic, verifier} from '../../middleware/auth.ts';
import {keepInvocations} from '../../middleware/event/keep.ts';
import {eventWriter} from '../../middleware/event/write.ts';
import {deliverThrough, type Parts, pipeline} from '../../middleware/index.ts';
import {fixedKey} from '../../middleware/keys.ts';
import type {Carrier} from '../../src/delivery.ts';
import type {Fact} from '../../src/facts.ts';
import type {Invocation} from '../../src/invocation.ts';
import {redactor} from '../../src/journals/payload.ts';
import {passingSpans} from '../../src/observe/traces/spans.ts';
import type {RuntimeReply, Runtimes} from '../../src/runtime.ts';
import {ManualClock} from './clock.ts';
import {textOf} from './event.ts';
import {type FakeDelivery, recordingLog, recordingMeter, runtimeReply, streamParts} from './fakes.ts';

export const {publicKey, privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
export const claims = {
  applicationId: 'app-1',
  namespaceId: '',
  clockToleranceMs: 0,
  requireExpiry: false,
  issuer: undefined,
  audience: undefined,
};
const unsigned = [{alg: 'RS256'}, {application_claim: [{application_id: 'app-1'}]}]
  .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.');
export const token = `${unsigned}.${sign('sha256', Buffer.from(unsigned), privateKey).toString('base64url')}`;

export interface HouseOptions {
  readonly isPublic?: boolean;
  /** What the function answers, call after call; the last again and again. */
  readonly replies?: readonly (RuntimeReply | Error)[];
  readonly lease?: Error;
  readonly parts?: Partial<Parts>;
  readonly onLease?: () => void;
}

/** The real chain around a function that is told what to answer. Nothing of HTTP is in it. */
export function openHouse({isPublic = true, replies = [runtimeReply('"fine"')], lease, parts, onLease}: HouseOptions = {}) {
  const clock = new ManualClock(1_764_000_000_000);
  const meter = recordingMeter();
  const log = recordingLog();
  const facts: [string, Fact][] = [];
  const journal = {
    record: (stream: string, list: readonly Fact[]) =>
      facts.push(...list.map((fact): [string, Fact] => [stream.replace('invocation.', ''), fact])),
    append: () => Promise.reject(new Error('Nothing here is written ahead')),
  };
  const called: unknown[] = [];
  const runtimes: Runtimes = {
    async lease() {
      onLease?.();
      if (lease) throw lease;
      return {
        cold: false,
        start: undefined,
        waitedMs: 0,
        depth: 0,
        address: {host: '127.0.0.1', port: 8081},
        async send({event, trace}) {
          const reply = replies[Math.min(called.length, replies.length - 1)];
          called.push(JSON.parse(textOf(event, trace)));
          if (!reply || reply instanceof Error) throw reply;
          return reply;
        },
      };
    },
  };
  const deliver = deliverThrough(
    pipeline({
      ...streamParts,
      spans: passingSpans,
      meter,
      log,
      clock,
      guard: isPublic ? authPublic() : auth(verifier(fixedKey(publicKey), claims, clock)),
      write: eventWriter({
        functionName: 'f',
        functionVersion: '1',
        memoryMb: 128,
        handlerPath: '/handler.js',
        handlerName: 'handle',
        base64: 'exact',
      }),
      keep: keepInvocations({journal, mode: 'facts', redact: redactor(''), log}),
      timeoutMs: 5000,
      runtimes,
      cancel: 'finish',
      responseMaxBytes: 1000,
      ...parts,
    }),
    clock,
  );
  return {
    meter,
    log,
    facts,
    called,
    clock,
    async deliver(delivery: FakeDelivery, fields: Record<string, string> = {}) {
      const carrier: Carrier = {get: field => fields[field.toLowerCase()] ?? '', state: undefined};
      await deliver(delivery, carrier);
      return carrier.state as Invocation; // deliver set it
    },
  };
}
