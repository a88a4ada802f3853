import type {Metrics} from '../../observe/metrics/metrics.ts';
import type {Route} from '../../route.ts';
import {described} from './described.ts';

/** `GET /metrics`: what Prometheus scrapes. */
export function metricsRoute({metrics}: {readonly metrics: Metrics}): Route {
  return {
    method: 'GET',
    path: '/metrics',
    described: described('metrics'),
    doc: 'The metrics, for Prometheus.',
    open: true,
    async run({get}) {
      const {contentType: type, body} = await metrics.scrape(get('accept'));
      return {type, body};
    },
  };
}
