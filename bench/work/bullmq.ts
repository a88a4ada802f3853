import {createRequire} from 'node:module';
import {join} from 'node:path';
import type {Queue, QueueOptions, Sent} from './queue.ts';

/** What is used of it; it is installed by the bench, so that its types are not there. */
interface Job {
  readonly data: Sent;
  moveToCompleted(result: null, token: string, fetchNext: false): Promise<unknown>;
}

interface Jobs {
  add(name: string, data: Sent): Promise<unknown>;
  addBulk(jobs: readonly {name: string; data: Sent}[]): Promise<unknown>;
  obliterate(options: {force: true}): Promise<void>;
  close(): Promise<void>;
}

interface Worker {
  on(event: 'error', listener: (error: Error) => void): void;
  getNextJob(token: string, options: {block: false}): Promise<Job | undefined>;
  waitUntilReady(): Promise<unknown>;
  close(force?: boolean): Promise<void>;
}

interface Bullmq {
  Queue: new (name: string, options: object) => Jobs;
  Worker: new (name: string, handler: ((job: Job) => Promise<void>) | undefined, options: object) => Worker;
}

const name = 'bench';
const token = 'bench';

/** BullMQ on Redis, with one connection, on which the commands of all producers are pipelined. Ended jobs are removed. */
export async function openBullmq({modules, port}: QueueOptions): Promise<Queue<Job>> {
  const require = createRequire(join(modules, 'package.json'));
  const {Queue, Worker} = require('bullmq') as Bullmq;
  const connection = {host: '127.0.0.1', port, maxRetriesPerRequest: null};
  const jobs = new Queue(name, {connection, defaultJobOptions: {removeOnComplete: true}});
  const open = (handler?: (job: Job) => Promise<void>) => {
    const worker = new Worker(name, handler, {connection, autorun: handler !== undefined, concurrency: 4});
    worker.on('error', error => console.error(error.message));
    return worker;
  };
  const taker = open();
  return {
    async send(item) {
      await jobs.add(name, item);
    },

    async sendAll(items) {
      await jobs.addBulk(items.map(data => ({name, data})));
    },

    take: () => taker.getNextJob(token, {block: false}),

    async finish(job) {
      await job.moveToCompleted(null, token, false);
    },

    async work(started) {
      const worker = open(async job => started(job.data));
      await worker.waitUntilReady();
      return {[Symbol.asyncDispose]: () => worker.close()};
    },

    async empty() {
      await jobs.obliterate({force: true});
    },

    async [Symbol.asyncDispose]() {
      await taker.close(true);
      await jobs.close();
    },
  };
}
