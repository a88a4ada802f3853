/** Names in `test/full` of what alone reaches the code of engines and brokers on servers, as a glob. */
export const servers = [
  'messages-@(amqp|mqtt|nats|redis)*',
  'nats-@(faults|one|order|secure|start|sweep|three|work)',
  'postgres?(-@(faults|retention|secure|start))',
].join('|');

/** What is left to `npm run test:full` by hand, as CI has half an hour: what takes longest, and is reached in part by what CI runs. */
export const byHand = [
  'console-*',
  'journal-@(damage|full-disk*|last-kibibytes|reopened|size)',
  'messages-@(kafka|sqs)*',
  'nats-@(chaos|cut-off|health|start-away)',
  'passthrough-@(messages|replay|schedules|work)',
  'postgres-chaos',
  'slow-*',
  'torture-*',
  'work-steps',
].join('|');
