import {DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient} from '@aws-sdk/client-sqs';
import {noteTimes} from './notes.ts';

/*
What one would write with the client library alone: receive ten, call the handler in this process, delete them.

    node bench/messages/sqs-loop.ts <queue> <region>
*/

const [QueueUrl = '', region = ''] = process.argv.slice(2);
const handle = await noteTimes();
const client = new SQSClient({region, credentials: {accessKeyId: 'x', secretAccessKey: 'x'}, endpoint: new URL(QueueUrl).origin});
for (;;) {
  const {Messages = []} = await client.send(new ReceiveMessageCommand({QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1}));
  await Promise.all(Messages.map(({Body = ''}) => handle({httpMethod: 'POST', body: Body})));
  const Entries = Messages.map(({ReceiptHandle}, index) => ({Id: String(index), ReceiptHandle: ReceiptHandle ?? ''}));
  if (Entries.length > 0) await client.send(new DeleteMessageBatchCommand({QueueUrl, Entries}));
}
