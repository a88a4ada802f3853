import {createRequire} from 'node:module';
import {join} from 'node:path';
import {systemClock} from '../../src/clock.ts';
import type {Queue, QueueOptions, Sent} from './queue.ts';

/** What is used of it; it is installed by the bench, so that its types are not there. */
interface PgBoss {
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<unknown>;
  stop(options: {graceful: boolean}): Promise<void>;
  createQueue(name: string, options: {notify: boolean}): Promise<void>;
  deleteQueue(name: string): Promise<void>;
  send(name: string, data: Sent): Promise<string | null>;
  insert(name: string, jobs: readonly {data: Sent}[]): Promise<unknown>;
  fetch(name: string): Promise<readonly {id: string}[]>;
  complete(name: string, id: string): Promise<unknown>;
  work(
    name: string,
    options: {pollingIntervalSeconds: number; localConcurrency: number},
    handler: (jobs: readonly {data: Sent}[]) => Promise<void>,
  ): Promise<string>;
  offWork(name: string): Promise<void>;
}

const name = 'bench';

/** pg-boss on PostgreSQL: 32 connections, workers woken by LISTEN and NOTIFY, what it does in the background left on. */
export async function openPgBoss({modules, port}: QueueOptions): Promise<Queue<string>> {
  const require = createRequire(join(modules, 'package.json'));
  const {PgBoss} = require('pg-boss') as {PgBoss: new (options: object) => PgBoss};
  const connection = {host: '127.0.0.1', port, user: 'bench', database: 'postgres', max: 32};
  const boss = new PgBoss({...connection, useListenNotify: true});
  boss.on('error', error => console.error(error.message));
  await boss.start();
  await boss.createQueue(name, {notify: true});
  return {
    async send(item) {
      if ((await boss.send(name, item)) === null) throw new Error('pg-boss did not accept the item');
    },

    async sendAll(items) {
      await boss.insert(
        name,
        items.map(data => ({data})),
      );
    },

    async take() {
      const [job] = await boss.fetch(name);
      return job?.id;
    },

    async finish(id) {
      await boss.complete(name, id);
    },

    async work(started) {
      await boss.work(name, {pollingIntervalSeconds: 0.5, localConcurrency: 4}, async jobs => {
        for (const {data} of jobs) started(data);
      });
      await systemClock.sleep(500); // until its workers listen
      return {[Symbol.asyncDispose]: () => boss.offWork(name)};
    },

    async empty() {
      await boss.deleteQueue(name);
      await boss.createQueue(name, {notify: true});
    },

    [Symbol.asyncDispose]: () => boss.stop({graceful: false}),
  };
}
