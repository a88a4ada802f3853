import {spawn} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import test from 'ava';
import {build} from '../../build.ts';
import {linesOf} from '../../src/workers/output/lines.ts';
import {messageSystems} from '../../triggers/listed/systems.ts';
import {projectFile} from '../helpers/core.ts';
import {freePort} from '../helpers/port.ts';

/* The clients of brokers as they ship: in bundles, where a client that reads a file beside itself finds none. */

test('the client of each message system is loaded from what is built, and gets as far as the network', async t => {
  t.timeout(240_000);
  const folder = await mkdtemp(path.join(tmpdir(), 'built-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  await build(projectFile('.'), path.join(folder, 'core'));
  const nobody = `127.0.0.1:${await freePort()}`;
  const keys = {region: 'none', accessKeyId: 'x', secretAccessKey: 'x'};
  const entries: Readonly<Record<string, object>> = {
    amqp: {url: `amqp://${nobody}`, queue: 'orders'},
    kafka: {brokers: nobody, topic: 'orders', deadLetter: 'dead'},
    mqtt: {url: `mqtt://${nobody}`, topic: 'orders', clientId: 'c'},
    nats: {url: `nats://${nobody}`, stream: 'orders'},
    redis: {url: `redis://${nobody}`, stream: 'orders'},
    sqs: {queue: `http://${nobody}/0/orders`, ...keys},
  };
  t.deepEqual(Object.keys(entries), Object.keys(messageSystems).sort());
  const {PATH = '', HOME = ''} = process.env;
  const core = spawn(process.execPath, [path.join(folder, 'core/src/main.js')], {
    env: {
      ...{PATH, HOME, PORT: '0', CORE_ADMIN_PORT: '0', SCW_UPSTREAM_PORT: '0', SCW_PUBLIC: 'true', CORE_DATA_DIR: folder},
      SCW_HANDLER_PATH: projectFile('bench/functions/message.cjs'),
      CORE_TRIGGERS: JSON.stringify(Object.entries(entries).map(([type, own]) => ({type, name: type, ...own}))),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => core.kill('SIGKILL'));
  const causes = new Map<string, string>();
  for await (const text of linesOf(core.stdout)) {
    const {msg, trigger, cause, level} = JSON.parse(text);
    if (msg === 'The broker of a trigger is away: it is tried again') causes.set(trigger, cause);
    else if (level === 'fatal') t.fail(text);
    if (causes.size === Object.keys(entries).length) break;
  }
  t.log(Object.fromEntries(causes));
  for (const [type, cause] of causes) t.notRegex(cause, /ENOENT|find (module|package)|is not a (function|constructor)/, type);
});
