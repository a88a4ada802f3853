import {type ChildProcessByStdio, spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import type {Readable, Writable} from 'node:stream';
import {type Program, startProgram} from './broker.ts';
import {freePort} from './port.ts';
import {endingWithUs} from './process.ts';

/* Debian: package rabbitmq-server. */

const program = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** Why there is none; undefined when there is. */
export const missingRabbitMq = existsSync(program) ? undefined : 'rabbitmq-server is not installed';

export interface RabbitMq {
  readonly url: string;
  /** How many messages a queue has, unacknowledged ones included; NaN when the server does not say. */
  left(queue: string): Promise<number>;
  /**
   * Resolves once the server has written where a new quorum queue is kept. It does so half a second late and after
   * the queue is confirmed; one that is killed before confirms no message for that queue any more.
   */
  registered(queue: string): Promise<void>;
  kill(): Promise<void>;
  restart(): Promise<void>;
  end(): Promise<void>;
}

/** A server of its own, with its own register of Erlang's nodes, all of it on loopback. @param configuration a file */
export async function startRabbitMq(given: {readonly port?: number; readonly configuration?: string} = {}): Promise<RabbitMq> {
  const folder = await mkdtemp(join(tmpdir(), 'rabbitmq-'));
  const [port, nodes, distribution] = [given.port ?? (await freePort()), await freePort(), await freePort()];
  await writeFile(join(folder, 'plugins'), '[].');
  const node = `rabbit${port}@localhost`;
  const erlang = {HOME: folder, ERL_EPMD_PORT: String(nodes), ERL_EPMD_ADDRESS: '127.0.0.1'};
  const loopback = '-kernel inet_dist_use_interface {127,0,0,1}';
  const env = {
    ...erlang,
    RABBITMQ_NODENAME: node,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'logs'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    ...(given.configuration !== undefined && {RABBITMQ_CONFIG_FILE: given.configuration}),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: loopback,
    RUNNING_UNDER_SYSTEMD: 'true', // then it is one process, and no shell around it
  };
  const register = await startProgram(['epmd', '-port', String(nodes), '-address', '127.0.0.1'], nodes, {env: erlang});
  const start = () => startProgram([program], port, {env});
  let server = await start();
  const counter = startCounter(node, erlang, loopback);

  return {
    url: `amqp://127.0.0.1:${port}`,
    left: counter.left,
    async registered(queue) {
      const names = join(folder, 'data', node, 'quorum', node, 'names.dets');
      while (!(await readFile(names, 'latin1')).includes(`%2F_${queue}`)) await new Promise(resolve => setTimeout(resolve, 50));
    },
    kill: () => server.kill(),
    async restart() {
      server = await start();
    },
    async end() {
      counter.end();
      for (const each of [server, register] satisfies Program[]) await each.kill();
      await rm(folder, {recursive: true, force: true});
    },
  };
}

/** Asks the server itself, as AMQP does not tell what is unacknowledged, and the command line takes seconds. */
const counting = `
Count = fun(Node, Name) ->
  case rpc:call(Node, rabbit_amqqueue, lookup, [{resource, <<"/">>, queue, Name}]) of
    {ok, Queue} ->
      case rpc:call(Node, amqqueue, get_type, [Queue]) of
        rabbit_quorum_queue ->
          Leader = rpc:call(Node, amqqueue, get_pid, [Queue]),
          {ok, {_, Total}, _} = rpc:call(Node, ra, leader_query, [Leader, fun rabbit_fifo:query_messages_total/1]), Total;
        _ -> [{messages, Total}] = rpc:call(Node, rabbit_amqqueue, info, [Queue, [messages]]), Total
      end
  end
end,
Loop = fun(Again, Node) ->
  case io:get_line("") of
    Line when is_list(Line) ->
      Total = try Count(Node, list_to_binary(string:trim(Line))) catch _:_ -> 'NaN' end,
      io:format("~p~n", [Total]), Again(Again, Node);
    _ -> halt()
  end
end,
Loop(Loop, list_to_atom(os:getenv("NODE"))).`;

function startCounter(node: string, env: Record<string, string>, loopback: string) {
  const name = `count${process.pid}@localhost`;
  const [file, args] = endingWithUs(['erl', '-noshell', '-hidden', '-sname', name, ...loopback.split(' '), '-eval', counting]);
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(file, args, {
    env: {PATH: process.env.PATH ?? '', ...env, NODE: node},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting: ((count: number) => void)[] = [];
  createInterface(child.stdout).on('line', line => waiting.shift()?.(Number(line)));
  return {
    left: (queue: string) =>
      new Promise<number>(resolve => {
        waiting.push(resolve);
        child.stdin.write(`${queue}\n`);
      }),
    end: () => child.kill('SIGKILL'),
  };
}
