/** Names in `test/full` of what alone reaches the code of engines and brokers on servers, as a glob. */
export const servers = [
  'messages-@(amqp|kafka|mqtt|nats|redis|sqs)*',
  'nats-@(faults|one|order|secure|start|sweep|three|work)',
  'postgres?(-@(faults|retention|secure|start))',
].join('|');
