// Called once for each message. What it throws, or a status of 300 and more, makes the broker deliver the message again.
exports.handle = event => {
  const {eventType, message} = event.requestContext;
  const {order} = JSON.parse(event.body);
  if (order < 1) throw new Error(`expected an order from 1, got ${order}`);
  console.log(`${eventType} ${message.id}, attempt ${message.attempt}: order ${order}`);
  return {statusCode: 204};
};
