import type {Metrics} from '../observe/metrics/metrics.ts';
import type {Readiness} from './readiness.ts';
import type {Route} from './routes.ts';

export interface ProbeOptions {
  readonly metrics: Metrics;
  readonly readiness: () => Readiness | Promise<Readiness>;
}

/** What everybody may see who reaches the private listener: there is nothing secret in it. */
export function probes({metrics, readiness}: ProbeOptions): Route[] {
  return [
    {
      method: 'GET',
      path: '/metrics',
      async run({ctx}) {
        const {contentType, body} = await metrics.scrape(ctx.get('accept'));
        ctx.type = contentType;
        ctx.body = body;
      },
    },
    {
      method: 'GET',
      path: '/livez',
      run({ctx}) {
        ctx.body = {live: true};
      },
    },
    {
      method: 'GET',
      path: '/readyz',
      async run({ctx}) {
        const state = await readiness();
        ctx.status = state.ready ? 200 : 503;
        ctx.body = state;
      },
    },
  ];
}
