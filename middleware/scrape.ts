import type {Stage} from '../src/stage.ts';

/** Answers with the metrics, in the place of the function. */
export function scrape(metrics: {readonly contentType: string; scrape(): Promise<string>}): Stage {
  return async function scrape(ctx, next) {
    const invocation = ctx.state;
    const body = await metrics.scrape();
    const headers = ['Content-Type', metrics.contentType, 'Core-Invocation-Id', invocation.id];
    const result = {status: 200, headers, body};
    invocation.delivery.reply(result);
    invocation.result = result;
    await next();
  };
}
