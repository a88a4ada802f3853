import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import http, {type IncomingMessage} from 'node:http';
import test from 'ava';
import {startPassing} from '../helpers/passthrough.ts';

// CORE_PROTOCOL=http: what long bodies leave in the memory of the core.

const pieces = 2048;

/** Resident memory of a process, in MiB; NaN where the system does not say. */
const residentOf = (pid: number) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;

const check = process.platform === 'linux' ? test : test.skip;

for (const framing of [{}, {'Content-Length': pieces * 2 ** 16}]) {
  check(`128 MiB in both directions leave no garbage ${'Content-Length' in framing ? 'with a length' : 'in chunks'}`, async t => {
    const core = await startPassing({SCW_PAYLOAD_MAX_SIZE: '512MiB'}, t);
    const [sent, came] = [createHash('sha1'), createHash('sha1')];
    const before = residentOf(core.pid);
    let most = before;
    const {promise, resolve} = Promise.withResolvers<IncomingMessage>();
    const request = http.request(`${core.url}/pipe`, {method: 'POST', agent: false, headers: framing}, resolve);
    const isSent = send(request, sent);
    for await (const piece of await promise) {
      came.update(piece);
      most = Math.max(most, residentOf(core.pid));
    }
    await isSent;
    t.is(came.digest('hex'), sent.digest('hex'));
    t.true(most - before < 40, `${Math.round(before)} MiB became ${Math.round(most)}`);
  });
}

async function send(request: http.ClientRequest, sum: ReturnType<typeof createHash>): Promise<void> {
  for (let index = 0; index < pieces; index++) {
    const piece = Buffer.alloc(2 ** 16, `${index},`);
    sum.update(piece);
    if (!request.write(piece)) await new Promise(resolve => request.once('drain', resolve));
  }
  request.end();
}
