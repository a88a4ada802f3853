import type {About} from '../admin/routes/now.ts';
import {isoStamp} from '../clock.ts';
import {version} from '../version.ts';
import type {Core} from './core.ts';

/** What a core is, for the private listener. @param startedAt wall time */
export function aboutCore({wanted, watched, budget, facts}: Core, startedAt: number): About {
  const {config, spec, processes, shares} = wanted;
  const url = watched.doors?.url;
  return {
    function: {
      name: config.applicationName,
      version: config.applicationVersion,
      handler: spec.handlerPath,
      language: spec.language,
      public: config.isPublic,
      ...(url !== undefined && {url}),
    },
    core: {
      version,
      node: process.version,
      pid: process.pid,
      startedAt: isoStamp(startedAt),
      processes,
      processesUp: watched.processesUp(),
    },
    journal: {http: config.journalHttp, durable: facts.isDurable, ...(facts.location !== undefined && {location: facts.location})},
    queueLongest: config.queueLength * processes,
    subRuntimesWanted: config.workers * processes,
    maxHeldBytes: budget.maxBytes * processes,
    limitBytes: shares.limitBytes,
  };
}
