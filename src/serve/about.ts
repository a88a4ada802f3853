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
    work: watched.work !== undefined,
    messages: hasMessages(watched.doors?.opened.get('listed')),
    queueLongest: config.queueLength * processes,
    subRuntimesWanted: config.workers * processes,
    maxHeldBytes: budget.maxBytes * processes,
    limitBytes: shares.limitBytes,
  };
}

/** Whether triggers for messages are open. */
function hasMessages(listed: object | undefined): boolean {
  return listed !== undefined && 'messages' in listed && typeof listed.messages === 'function' && listed.messages().length > 0;
}
