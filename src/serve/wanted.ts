import {availableParallelism} from 'node:os';
import {protocols} from '../../protocols/index.ts';
import {resolveFunction} from '../../runtimes/resolve.ts';
import {triggers} from '../../triggers/index.ts';
import {ConfigurationError} from '../errors.ts';
import {readPlace} from '../journals/index.ts';
import {memoryLimit} from '../limits/container.ts';
import {divideMemory, type Shares} from '../limits/shares.ts';
import type {Protocol} from '../protocol.ts';
import type {FunctionSpec} from '../runtime.ts';
import {type Config, joinSettings, parseConfig} from '../settings/config.ts';
import {checkNames, childEnvironment} from '../settings/environment.ts';
import type {Sources} from '../settings/report.ts';
import {type Environment, parseSettings, type Settings} from '../settings/setting.ts';
import {needJournal} from './doors.ts';

/** What the environment asks for. */
export interface Wanted {
  readonly env: Environment;
  /** Where its variables come from. */
  readonly sources: Sources;
  /** All settings, with those of the triggers. */
  readonly table: Settings;
  readonly warnings: readonly string[];
  /** The settings of the core, with the share of this process. */
  readonly config: Config;
  /** What this process may hold of the memory. */
  readonly shares: Shares;
  /** Number of processes of the core, this one included. */
  readonly processes: number;
  readonly port: number;
  /** True when a trigger relies on a journal that outlives the process. */
  readonly needsJournal: boolean;
  readonly protocol: Protocol;
  readonly spec: FunctionSpec;
  /** The part of the environment that the function's process gets. */
  readonly environment: Readonly<Record<string, string>>;
}

/** @throws ConfigurationError that names every setting that cannot be used */
export function readWanted(env: Environment, sources: Sources = {}): Wanted {
  const table = joinSettings(triggers);
  parseSettings(table, env); // all at once, so that one message lists the problems of every part
  const warnings = checkNames(table, env);
  const {processes, config, shares} = shareOf(parseConfig(env));
  const {port, payloadMaxBytes} = parseSettings(triggers.http.settings, env);
  if (processes > 1 && parseSettings(triggers.work.settings, env).work === 'on' && !isShared(config)) {
    throw new ConfigurationError([
      'CORE_WORK: expected `off` with more than one of CORE_PROCESSES, as only one process can write this journal: ' +
        'work needs one process, or a journal that several share, such as postgres://… or nats://…',
    ]);
  }
  const protocol: Protocol = protocols[config.protocolName];
  const spec = specFor(config, protocol, resolveFunction(config, setsHeap(env) ? undefined : shares.functionHeapBytes));
  if (spec.command.readiness === 'report' && config.upstreamHost !== '127.0.0.1') {
    throw new ConfigurationError([`SCW_UPSTREAM_HOST: expected 127.0.0.1, where our bridges listen, got \`${config.upstreamHost}\``]);
  }
  // Bridges read a number of bytes, not a size such as 6MiB.
  const environment = {
    ...childEnvironment(table, env),
    SCW_PAYLOAD_MAX_SIZE: String(payloadMaxBytes),
    ...(spec.language === 'node' && shares.isScarce && {CORE_GARBAGE_BYTES: String(shares.garbageBytes)}),
  };
  return {
    env,
    sources,
    table,
    warnings,
    config,
    shares,
    processes,
    port,
    needsJournal: needJournal(triggers, env),
    protocol,
    spec,
    environment,
  };
}

const isShared = ({journal}: Config) => readPlace(journal ?? '')?.engine.isShared ?? false;

/** The user has said how large the heap of a Node function may be. */
const setsHeap = ({NODE_OPTIONS = ''}: Environment) => /--max[-_](old[-_]space|heap)[-_]size/.test(NODE_OPTIONS);

/** Our bridges know events only. @throws ConfigurationError */
function specFor({cloudEvents, hop}: Config, {body, openHop, concurrency}: Protocol, spec: FunctionSpec): FunctionSpec {
  const {command} = spec;
  if (body === 'open' && !openHop) {
    if (hop === 'http')
      throw new ConfigurationError(['CORE_PROTOCOL: expected `event` with CORE_HOP=http, as bodies stream on the channel only']);
    return spec;
  }
  if (body === 'open' && cloudEvents === 'on')
    throw new ConfigurationError(['CORE_CLOUDEVENTS: expected `off` with CORE_PROTOCOL=http, as a server reads CloudEvents itself']);
  if (body === 'open' && command.readiness === 'report')
    throw new ConfigurationError([
      `CORE_PROTOCOL: expected \`event\`, as a handler in ${spec.language} is called by our bridge; http is for a server of your own, with SCW_HANDLER_IS_BINARY=true or as SCW_RUNTIME_BRIDGE`,
    ]);
  return concurrency === undefined ? spec : {...spec, command: {...command, concurrency}};
}

/** The processes of a core divide its sub-runtimes and its memory. */
function shareOf(config: Config): Pick<Wanted, 'processes' | 'config' | 'shares'> {
  const processes = config.processes === 'auto' ? availableParallelism() : config.processes;
  const share = (all: number) => Math.ceil(all / processes);
  const shares = divideMemory(memoryLimit(), processes);
  const inflightBytes = config.inflightBytes === undefined ? shares.inflightBytes : share(config.inflightBytes);
  return {processes, config: {...config, workers: share(config.workers)}, shares: {...shares, inflightBytes}};
}
