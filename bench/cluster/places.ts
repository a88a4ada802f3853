import {randomUUID} from 'node:crypto';
import {join} from 'node:path';
import {startNats} from '../../test/helpers/nats.ts';
import {temporaryFolder} from '../servers.ts';
import {startPostgres} from '../work/databases.ts';

/** Where journals are kept, with the servers that do. */
export interface Place {
  readonly title: string;
  /** As CORE_JOURNAL names a journal that nobody has. */
  readonly location: string;
  readonly synced?: string | undefined;
}

/** Starts the servers of a place; they end with the stack. */
export type Start = (stack: AsyncDisposableStack) => Promise<() => Place>;

export const sqlite: Start = async stack => {
  const folder = await temporaryFolder(stack);
  return () => ({title: 'SQLite', location: `sqlite:${join(folder, randomUUID(), 'journal.db')}`});
};

export const postgres: Start = async stack => {
  const {title, port} = await startPostgres(stack);
  const schema = () => `t_${randomUUID().replaceAll('-', '')}`;
  return () => ({title, location: `postgres://bench@127.0.0.1:${port}/postgres?schema=${schema()}`});
};

export const nats =
  (count: 1 | 3): Start =>
  async stack => {
    const {hosts, monitors} = stack.use(await startNats(count));
    const title = count === 1 ? 'NATS, 1 server, synced' : 'NATS, 3 servers, synced';
    return () => ({title, location: `nats://${hosts}/${randomUUID()}`, synced: monitors});
  };
