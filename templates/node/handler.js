/**
 * Greets the name in the query.
 *
 * @param {import('core-runtime').Event} event
 * @param {import('core-runtime').Context} context
 * @returns {Promise<import('core-runtime').Result>}
 */
export async function handle(event, context) {
  const {name = 'world'} = event.queryStringParameters;
  console.log(`greeting ${name}`);
  return {statusCode: 200, body: {message: `Hello, ${name}!`, invocationId: context.invocationId}};
}
