import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {startCore} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {npmInstalls} from '../helpers/npm.ts';
import {startBare} from '../helpers/passthrough.ts';
import {ask} from '../helpers/request.ts';

/* Functions of Google's framework: each request means the same to them behind the core as alone. */

const packages = {'@google-cloud/functions-framework': '5.0.5'};

/** Each tells what it was called with. The functions of events have no reply, so they tell it in a file. */
const functions = `
const {writeFileSync} = require('node:fs');
const tell = (told, done) => (writeFileSync('told.json', JSON.stringify(told)), done && done());
exports.http = ({method, url, headers, query, body, rawBody}, response) => {
  const {'content-type': type, 'x-own': own} = headers;
  response.status(url === '/fails' ? 500 : 201).set('X-Told', 'yes').send({method, url, type, own, query, body, raw: rawBody?.toString()});
};
exports.cloudevent = event => tell({...event, kind: event.constructor.name});
exports.event = (data, context, done) => tell({data, context}, done);
`;

const json = ['Content-Type', 'application/json'] as const;
const data = {message: {data: 'SGVsbG8=', attributes: {from: 'Ada'}}, subscription: 'projects/p/subscriptions/s'};
const published = 'google.cloud.pubsub.topic.v1.messagePublished';
const attributes = {
  specversion: '1.0',
  id: '7',
  source: '//pubsub.googleapis.com/projects/p/topics/t',
  type: published,
  time: '2026-01-02T03:04:05.678Z',
};
const binary = Object.entries(attributes).flatMap(([name, value]) => [`ce-${name}`, value]);
const legacyContext = {
  eventId: '7',
  timestamp: attributes.time,
  eventType: 'google.pubsub.topic.publish',
  resource: {service: 'pubsub.googleapis.com', name: 'projects/p/topics/t', type: 'type.googleapis.com/google.pubsub.v1.PubsubMessage'},
};

type Request = readonly [title: string, headers: readonly string[], body: unknown, path?: string];

const events: readonly Request[] = [
  ['a CloudEvent in binary mode', [...json, ...binary], data],
  ['a CloudEvent in structured mode', ['Content-Type', 'application/cloudevents+json'], {...attributes, data}],
  ['an event of the older kind', json, {context: legacyContext, data: data.message}],
  ['an event of the older kind, with its context in the body', json, {...legacyContext, data: data.message}],
  ['what no event is', json, {hello: 'Ada'}],
  ['no JSON', json, Buffer.from('{')],
];

const requests: Readonly<Record<string, readonly Request[]>> = {
  http: [
    ['JSON', [...json, 'X-Own', 'yes'], {hello: 'Ada'}, '/a%2Fb?q=1&q=2'],
    ['text beyond ASCII', ['Content-Type', 'text/plain; charset=utf-8'], Buffer.from('Grüße 👋')],
    ['a form', ['Content-Type', 'application/x-www-form-urlencoded'], Buffer.from('name=Ada&name=Bob')],
    ['no JSON', json, Buffer.from('{')],
    ['a failure', json, {}, '/fails'],
  ],
  cloudevent: events,
  event: events,
};

test('functions of Google’s framework are called with the same behind the core as alone', async t => {
  const folder = await folderWith(t, {'index.js': functions, 'package.json': JSON.stringify({private: true, dependencies: packages})});
  if (!(await npmInstalls(t, folder))) return;
  const program = join(folder, 'node_modules/@google-cloud/functions-framework/build/src/main.js');
  for (const [signature, all] of Object.entries(requests)) {
    const command = [process.execPath, program, `--target=${signature}`, `--signature-type=${signature}`] as const;
    const bare = await startBare(command, folder);
    t.teardown(() => bare.stop());
    const env = {SCW_PUBLIC: 'true', CORE_PROTOCOL: 'http', CORE_COMMAND: JSON.stringify(command)};
    const core = await startCore(env, t, {cwd: folder});
    for (const [title, headers, content, path = '/'] of all) {
      const body = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
      const toldAt = async (url: string) => {
        await writeFile(join(folder, 'told.json'), 'nothing');
        const answer = await ask(url + path, {method: 'POST', headers, body});
        return {
          status: answer.status,
          type: answer.field('content-type'),
          text: answer.text(),
          told: await readFile(join(folder, 'told.json'), 'utf8'),
        };
      };
      const alone = await toldAt(bare.url);
      t.deepEqual(await toldAt(core.url), alone, `${signature}: ${title}`);
      t.log(`${signature}: ${title}: ${alone.status}`);
    }
    t.is(await core.stop(), 0);
  }
});
