const {randomUUID} = require('node:crypto');

const prices = {tea: 4.5, cup: 12, pot: 39.9};

/** Prices an order: ten of a kind are a tenth cheaper. */
module.exports.handle = event => {
  const {item, count = '1'} = event.queryStringParameters;
  const price = prices[item];
  if (price === undefined) return {statusCode: 404, body: {error: `there is no ${item}`}};
  const discount = Number(count) >= 10 ? 0.9 : 1;
  return {
    headers: {'Cache-Control': 'no-store'},
    body: {quote: randomUUID(), at: new Date().toISOString(), item, total: (price * count * discount).toFixed(2)},
  };
};
