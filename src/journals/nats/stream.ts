import type {Retention} from '../engine.ts';
import {JournalRefused} from '../engine.ts';
import {type Answer, answerOf} from './answer.ts';
import {insist, type Patience} from './insist.ts';
import type {Subjects} from './subjects.ts';
import {Away, type Transport} from './transport.ts';
import {fewestLevel, oldest} from './version.ts';

/** What a stream is, as the servers' API has it: as far as it matters here. */
export interface StreamConfig {
  readonly subjects: readonly string[];
  readonly storage: string;
  readonly num_replicas: number;
  readonly retention: string;
  readonly discard: string;
  readonly discard_new_per_subject?: boolean;
  readonly max_bytes: number;
  readonly max_age: number;
  readonly max_msgs: number;
  readonly max_msgs_per_subject: number;
  readonly allow_direct: boolean;
  readonly allow_atomic?: boolean;
  readonly allow_msg_ttl?: boolean;
  readonly allow_rollup_hdrs?: boolean;
  readonly duplicate_window: number;
  readonly subject_delete_marker_ttl?: number;
  readonly persist_mode?: string;
  readonly sealed?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly republish?: {readonly src: string; readonly dest: string; readonly headers_only?: boolean};
}

const replicasOfCluster = 3;
const duplicateNs = 120e9;
/** A size that is larger is no limit, as a command has that keeps everything. */
const mostBytes = 2 ** 50;
/** Marks a stream that such a command has made: the first core says how large it may be. */
const sizeless = {'core-runtime.size': 'not set yet'} as const;
const notFound = 10_059;
/** Somebody else has just made it. */
const taken = 10_058;
/** Servers that have just started do not know one another yet. */
const noPeers = 10_005;
const peersMs = 10_000;

/**
Finds the stream of an application, or makes it.

@throws JournalRefused when it, or the servers, cannot keep what a journal promises
*/
export async function openStream(
  transport: Transport,
  subjects: Subjects,
  {retention, hosts, patience}: {retention: Retention; hosts: number; patience: Patience},
): Promise<StreamConfig> {
  const {version, level, peers, hasJetStream} = transport.server;
  if (level < fewestLevel) {
    throw new JournalRefused(
      'unwritable',
      `the server is NATS ${version}, with API level ${level}: ${oldest} or later is needed, with level ${fewestLevel}`,
    );
  }
  if (!hasJetStream) throw new JournalRefused('unwritable', 'the server has no JetStream: switch it on');
  const until = patience.clock.monotonic() + peersMs;
  const replicas = Math.max(hosts, peers) >= replicasOfCluster ? replicasOfCluster : 1;
  const config = await insist(patience, async () => {
    const found = await call(transport, `STREAM.INFO.${subjects.stream}`, '');
    if (found.config) return sized(transport, subjects, found.config, retention);
    if (found.error?.err_code !== notFound) throw new Away(`JetStream cannot be used: ${found.error?.description}`);
    const made = await call(transport, `STREAM.CREATE.${subjects.stream}`, JSON.stringify(wanted(subjects, retention, replicas)));
    if (made.config) return made.config;
    const why = made.error?.description ?? '';
    const isAlone = made.error?.err_code === noPeers && patience.clock.monotonic() < until;
    if (isAlone || made.error?.err_code === taken || made.error?.code === 503) throw new Away(why);
    throw new JournalRefused('unwritable', `the servers refuse to make the stream ${subjects.stream} with ${replicas} replicas: ${why}`);
  });
  const problem = problemOf(config, wanted(subjects, retention, replicas));
  if (problem !== undefined) throw new JournalRefused('unwritable', `the stream ${subjects.stream} has ${problem}`);
  return config;
}

/** The stream with the size that a core gives it, if only a command has had it so far. */
async function sized(transport: Transport, {stream}: Subjects, config: StreamConfig, {maxBytes}: Retention): Promise<StreamConfig> {
  const {metadata = {}} = config;
  if (maxBytes > mostBytes || !Object.keys(sizeless).every(name => name in metadata)) return config;
  const others = Object.entries(metadata).filter(([name]) => !(name in sizeless));
  const next = {...config, max_bytes: maxBytes, metadata: Object.fromEntries(others)};
  const changed = await call(transport, `STREAM.UPDATE.${stream}`, JSON.stringify(next));
  if (changed.config) return changed.config;
  if (changed.error?.code === 503) throw new Away(changed.error.description);
  throw new JournalRefused(
    'unwritable',
    `the servers refuse that the stream ${stream} has ${maxBytes} bytes: ${changed.error?.description}`,
  );
}

async function call(transport: Transport, name: string, body: string): Promise<Answer & {readonly config?: StreamConfig}> {
  return answerOf(await transport.request(`$JS.API.${name}`, body));
}

function wanted({all, told, stream}: Subjects, {maxBytes}: Retention, replicas: number): StreamConfig & {readonly name: string} {
  return {
    name: stream,
    subjects: [all],
    storage: 'file',
    num_replicas: replicas,
    retention: 'limits',
    discard: 'new',
    max_bytes: maxBytes > mostBytes ? -1 : maxBytes,
    ...(maxBytes > mostBytes && {metadata: sizeless}),
    max_age: 0,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    allow_direct: true,
    allow_atomic: true,
    allow_msg_ttl: true,
    allow_rollup_hdrs: true,
    duplicate_window: duplicateNs,
    republish: {...told, headers_only: true},
  };
}

/** What keeps a stream that somebody made from keeping what a journal promises; undefined for nothing. Pure. */
export function problemOf(config: StreamConfig, needed: StreamConfig): string | undefined {
  const wrong = (name: string, expected: unknown, got: unknown) => `${name} ${String(got)}: ${String(expected)} is needed`;
  if (config.discard !== 'new') return `${wrong('discard', 'new', config.discard)}, as old facts must not go before they are over`;
  if (config.max_age !== 0) return `${wrong('max_age', 0, config.max_age)}, as what is not over must stay`;
  if (config.max_msgs > 0) return wrong('max_msgs', -1, config.max_msgs);
  if (config.max_msgs_per_subject > 0) return wrong('max_msgs_per_subject', -1, config.max_msgs_per_subject);
  if (config.persist_mode === 'async') return `${wrong('persist_mode', 'default', 'async')}, as what was acknowledged must be kept`;
  if (config.subject_delete_marker_ttl) return wrong('subject_delete_marker_ttl', 'none', config.subject_delete_marker_ttl);
  if (config.sealed) return 'been sealed';
  for (const name of ['retention', 'storage'] as const) if (config[name] !== needed[name]) return wrong(name, needed[name], config[name]);
  for (const name of ['allow_direct', 'allow_atomic', 'allow_msg_ttl', 'allow_rollup_hdrs'] as const) {
    if (config[name] !== true) return wrong(name, true, config[name]);
  }
  if (config.duplicate_window < duplicateNs) return wrong('duplicate_window', '2m', `${config.duplicate_window / 1e9}s`);
  if (config.subjects.join() !== needed.subjects.join()) return wrong('subjects', needed.subjects.join(), config.subjects.join());
  if (config.republish?.src !== needed.republish?.src || config.republish?.dest !== needed.republish?.dest) {
    return wrong('republish', JSON.stringify(needed.republish), JSON.stringify(config.republish));
  }
  return undefined;
}
