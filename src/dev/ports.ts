import net from 'node:net';
import {CommandFailed} from '../command/failure.ts';
import {exit} from '../exit.ts';

/** How many ports are tried. */
const mostTried = 100;

/**
The first free port from `from` on.

@param host address that will listen on it
@throws CommandFailed when none of a hundred is free, or the address is not of this machine
*/
export async function freePort(host: string, from: number): Promise<number> {
  for (let port = from; port < from + mostTried; port++) if (await isFree(host, port)) return port;
  throw new CommandFailed(exit.portTaken, `--port: the ports ${from} to ${from + mostTried - 1} are taken; give one that is free`);
}

/** @throws CommandFailed when something listens on the port */
export async function requireFree(host: string, port: number): Promise<void> {
  if (port === 0 || (await isFree(host, port))) return;
  const advice = 'Stop it, give another, or leave --port out and the next free one is taken';
  throw new CommandFailed(exit.portTaken, `--port: expected a free port, but something listens on ${port}. ${advice}`);
}

/**
Whether a port is free on an address, and on every other: callers of `localhost` may be sent to any loopback address, and some
systems let two programs listen on one port as long as their addresses differ.
*/
async function isFree(host: string, port: number): Promise<boolean> {
  return (await canListen(host, port)) && (await canListen('::', port)) && canListen('::1', port);
}

/** @throws CommandFailed when this machine does not have the address */
function canListen(host: string, port: number): Promise<boolean> {
  const {promise, resolve, reject} = Promise.withResolvers<boolean>();
  const server = net.createServer();
  server.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') resolve(false);
    else if (host.startsWith('::'))
      resolve(true); // no IPv6 here
    else if (error.code === 'EACCES')
      reject(new CommandFailed(exit.failed, `--port: this user may not listen on ${port}; give one from 1024 on`));
    else reject(new CommandFailed(exit.misused, `--host: expected an address of this machine, got \`${host}\` (${error.message})`));
  });
  server.listen({host, port, exclusive: true}, () => server.close(() => resolve(true)));
  return promise;
}
