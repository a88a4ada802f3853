import {createClient} from '@redis/client';
import {projectFile} from '../../test/helpers/core.ts';
import {startRedis} from '../work/databases.ts';
import type {MessageSystem} from './system.ts';

const [stream, group] = ['bench', 'bench'];

/** @throws Error when it is not installed */
export async function openRedis(stack: AsyncDisposableStack): Promise<MessageSystem> {
  const {title, port} = await startRedis(stack);
  const url = `redis://127.0.0.1:${port}`;
  const client = createClient({url});
  await client.connect();
  stack.defer(() => client.destroy());
  return {
    title,
    entry: {type: 'redis', url, stream, group},
    loop: [projectFile('bench/messages/redis-loop.ts'), url, stream, group],

    async publish(bodies) {
      await Promise.all(bodies.map(body => client.xAdd(stream, '*', {body})));
    },

    async left() {
      const groups = await client.xInfoGroups(stream).catch(() => []);
      const found = groups.find(({name}) => name === group);
      return found ? Number(found.pending) + Number(found.lag ?? 0) : await client.xLen(stream);
    },

    async empty() {
      await client.del(stream);
    },
  };
}
