import {PortTaken} from '../../errors.ts';
import type {Journal} from '../../journal.ts';
import type {Config} from '../../settings/config.ts';
import {OrphanKiller} from '../../workers/process/orphans.ts';
import {accepts} from '../../workers/process/port.ts';
import type {Core} from '../core.ts';
import {leaderName, Siblings} from './lead.ts';

/**
The processes beside this one, not started yet.

@param opening closes them
@throws PortTaken when the port is taken: processes that share a port would share it with a stranger, too
*/
export async function openSiblings(core: Core, journal: Journal, opening: AsyncDisposableStack): Promise<Siblings> {
  const {wanted, instance, clock, log, metrics} = core;
  const {config, env, processes, port} = wanted;
  if (port !== 0 && (await accepts('127.0.0.1', port))) {
    throw new PortTaken('PORT', port);
  }
  const orphanKiller = opening.use(new OrphanKiller({mark: `${leaderName}=${instance}`, clock, log}));
  const {linesDropped, processRestarted: restarted} = metrics.meter;
  return opening.use(
    new Siblings(
      {count: processes - 1, env: {...env, [leaderName]: instance}, graceMs: config.graceMs, reloadMs: reloadMsOf(config)},
      {clock, log, journal, orphanKiller, line: log.pass, lineTorn: () => linesDropped(1), restarted},
    ),
  );
}

/** The longest time that a process needs to reload: its sub-runtimes start one after the other. */
const reloadMsOf = ({workers, startTimeoutMs}: Config) => workers * startTimeoutMs + 10_000;
