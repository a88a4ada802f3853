import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';
import test, {type ExecutionContext} from 'ava';
import {canNetwork, type Machine, openNetwork} from '../helpers/networks.ts';

/* The cuts that tests of lost servers make: what a real network does when it is parted. */

const port = 9000;
/** Sends what it is told, and tells what it gets. */
const program = `
const socket = require('node:dgram').createSocket('udp4');
const lines = require('node:readline').createInterface({input: process.stdin});
socket.on('message', got => console.log('got ' + got));
socket.bind(${port}, () => console.log('ready'));
lines.on('line', line => {
  const [to, text] = line.split(' ');
  socket.send(text, ${port}, to, error => console.log(error ? error.message : 'sent ' + text));
});
lines.on('close', () => process.exit());`;

async function startOn(t: ExecutionContext, {ip, prefix}: Machine) {
  const [file = '', ...args] = [...prefix, process.execPath, '-e', program];
  const child = spawn(file, args, {stdio: ['pipe', 'pipe', 'inherit']});
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value as string | undefined;
  await next();
  return {
    ip,
    next,
    async send(to: string, text: string) {
      child.stdin.write(`${to} ${text}\n`);
      return next();
    },
  };
}

if (!canNetwork()) test.skip('no namespaces of networks can be made', () => {});
else {
  test('what machines that are cut off send to one another is lost in both directions, and nobody is told', async t => {
    using network = openNetwork(3);
    const [alone, ...others] = network.machines;
    if (!alone) return t.fail();
    const [one, two, three] = await Promise.all(network.machines.map(machine => startOn(t, machine)));
    if (!one || !two || !three) return t.fail();
    alone.cut(others);
    t.is(await one.send(two.ip, 'lost'), 'sent lost');
    t.is(await two.send(one.ip, 'lost'), 'sent lost');
    t.is(await two.send(three.ip, 'between'), 'sent between');
    t.is(await three.next(), 'got between', 'the others reach one another');
    alone.mend();
    t.is(await one.send(two.ip, 'after'), 'sent after');
    t.is(await two.next(), 'got after');
    t.is(await two.send(one.ip, 'after'), 'sent after');
    t.is(await one.next(), 'got after');
  });
}
