import type {Context, Event, Result} from 'core-runtime';

/** Greets the name in the query. */
export async function handle(event: Event, context: Context): Promise<Result> {
  const {name = 'world'} = event.queryStringParameters;
  console.log(`greeting ${name}`);
  return {statusCode: 200, body: {message: `Hello, ${name}!`, invocationId: context.invocationId}};
}
