import type {Metrics} from '../../observe/metrics/metrics.ts';
import type {Route} from '../../route.ts';

/** `GET /metrics`: what Prometheus scrapes. */
export function metricsRoute({metrics}: {readonly metrics: Metrics}): Route {
  return {
    method: 'GET',
    path: '/metrics',
    doc: 'The metrics, for Prometheus.',
    open: true,
    async run({get}) {
      const {contentType: type, body} = await metrics.scrape(get('accept'));
      return {type, body};
    },
  };
}
