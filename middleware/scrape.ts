import type {Stage} from '../src/stage.ts';

/** Gives the metrics in the form that the caller accepts. */
export type Scrape = (accept: string) => Promise<{readonly contentType: string; readonly body: string}>;

/** Answers with the metrics, in the place of the function. */
export function scrape(read: Scrape): Stage {
  return async function scrape(ctx, next) {
    const invocation = ctx.state;
    const {contentType, body} = await read(ctx.get('accept'));
    const headers = ['Content-Type', contentType, 'Core-Invocation-Id', invocation.id];
    const result = {status: 200, headers, body};
    invocation.delivery.reply(result);
    invocation.result = result;
    await next();
  };
}
