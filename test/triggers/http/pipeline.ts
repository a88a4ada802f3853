import test from 'ava';
import {openHttp} from '../../helpers/http-trigger.ts';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const post = (path: string, body = '') => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunked = (path: string) =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n`;
const roomy = {inflightBytes: 2 ** 27};
const turn = () => new Promise(resolve => setImmediate(resolve));
const turns = async (count = 50) => {
  for (let done = 0; done < count; done++) await turn();
};

/** Runs of the function that a test lets end one by one. */
function gate() {
  const running: {path: string; end: (body?: string) => void}[] = [];
  const started: string[] = [];
  const ended: string[] = [];
  let most = 0;
  return {
    running,
    started,
    ended,
    most: () => most,
    run: ({path}: {path: string}) =>
      new Promise<string>(resolve => {
        started.push(path);
        const run = {
          path,
          end(body = path) {
            running.splice(running.indexOf(run), 1);
            ended.push(path);
            resolve(body);
          },
        };
        most = Math.max(most, running.push(run));
      }),
  };
}

test('the 2,300 requests of one packet are served sixteen at a time, and in the end all, in order', async t => {
  const {run, running, started, most} = gate();
  const {connect, meter} = await openHttp(t, run, roomy);
  const wire = connect();
  const paths = Array.from({length: 2300}, (_, index) => `/${index}`);
  await wire.write(paths.map(get).join(''));
  while (running.length < 16) await turn();
  await turns();
  t.is(running.length, 16);
  t.is(wire.socket.bytesRead, 0);
  while (started.length < paths.length || running.length > 0) {
    running[0]?.end();
    await turn();
  }
  wire.socket.end();
  const replies = await wire.rest();
  t.deepEqual(
    replies.map(({body}) => body.toString()),
    paths,
  );
  t.is(most(), 16);
  t.is(meter.calls.filter(([name]) => name === 'pipelined').length, 1);
});

test('nothing more is read of a connection whose requests wait', async t => {
  const {run, running} = gate();
  const {connect} = await openHttp(t, run, roomy);
  const wire = connect();
  const many = get(`/${'x'.repeat(1000)}`).repeat(60_000); // more than the system holds for both ends
  let taken = false;
  void wire.write(many).then(() => {
    taken = true;
  });
  while (running.length < 16) await turn();
  await turns(500);
  t.false(taken);
  t.is(running.length, 16);
  wire.socket.resetAndDestroy();
  for (let quiet = 0; quiet < 50; quiet = running.length === 0 ? quiet + 1 : 0) {
    for (const one of [...running]) one.end(); // until its leaving is seen, by a write that fails
    await turn();
  }
});

for (const [title, sent, together] of [
  ['a POST and a GET behind it', [post('/1', 'abc'), get('/2')], [['/1'], ['/2']]],
  ['a GET and a POST behind it', [get('/1'), post('/2', 'abc')], [['/1'], ['/2']]],
  [
    'GETs around a DELETE',
    [get('/1'), get('/2'), 'DELETE /3 HTTP/1.1\r\nHost: a\r\n\r\n', get('/4'), get('/5')],
    [['/1', '/2'], ['/3'], ['/4', '/5']],
  ],
  ['POSTs without a body', [post('/1'), post('/2'), post('/3')], [['/1'], ['/2'], ['/3']]],
  ['chunked POSTs and a HEAD', [chunked('/1'), chunked('/2'), get('/3')], [['/1'], ['/2'], ['/3']]],
  [
    'a GET, a chunked POST and a PUT',
    [get('/1'), chunked('/2'), post('/3', 'a\r\n\r\nb').replace('POST', 'PUT')],
    [['/1'], ['/2'], ['/3']],
  ],
] as const) {
  for (const size of [undefined, 1, 7]) {
    test(`${title}, in ${size === undefined ? 'one packet' : `packets of ${size}`}: only safe ones run together`, async t => {
      const {run, running, ended} = gate();
      const {connect, runs} = await openHttp(t, run);
      const wire = connect();
      const bytes = sent.join('');
      for (let at = 0; at < bytes.length; at += size ?? bytes.length) {
        await wire.write(bytes.slice(at, at + (size ?? bytes.length)));
        await turn();
      }
      for (const expected of together) {
        while (running.length < expected.length) await turn();
        await turns();
        t.deepEqual(
          running.map(({path}) => path),
          [...expected],
        );
        for (const one of [...running]) one.end();
      }
      const replies = await wire.replies(sent.length);
      t.deepEqual(
        replies.map(({body}) => body.toString()),
        together.flat(),
      );
      t.deepEqual(runs, together.flat());
      t.deepEqual(ended, together.flat());
    });
  }
}

test('the bodies of pipelined requests arrive whole, however they are cut', async t => {
  const bodies: string[] = [];
  const {connect} = await openHttp(t, ({body}) => {
    bodies.push(body.toString());
    return 'ran';
  });
  const wanted = ['a\r\n\r\nb', 'GET /no HTTP/1.1\r\n\r\n', 'x'.repeat(900)];
  for (const size of [1, 13, 64, 4096]) {
    bodies.length = 0;
    const wire = connect();
    const bytes = get('/') + wanted.map(body => post('/', body)).join('') + chunked('/') + get('/');
    for (let at = 0; at < bytes.length; at += size) await wire.write(bytes.slice(at, at + size));
    await wire.replies(6);
    t.deepEqual(bodies, ['', ...wanted, 'a\r\n\r\n\r\n'.slice(0, 5), '']);
    wire.destroy();
  }
});

test('what stands behind a refused request of a pipeline is never served', async t => {
  const {run, running} = gate();
  const {connect, runs} = await openHttp(t, run);
  const wire = connect();
  await wire.write(`${get('/1')}${get('/2')}GET /no HTTP/1.1\r\n\r\n${get('/smuggled')}`);
  while (running.length < 2) await turn();
  for (const one of [...running]) one.end();
  const replies = await wire.rest();
  t.deepEqual(
    replies.map(({status}) => status),
    [200, 200, 400],
  );
  t.deepEqual(runs, ['/1', '/2']);
});

test('a client that leaves takes its waiting requests with it', async t => {
  const {run, running, started} = gate();
  const {connect, left} = await openHttp(t, run, {asksForSignal: true});
  const wire = connect();
  await wire.write(post('/1') + get('/2'));
  while (running.length < 1) await turn();
  wire.socket.resetAndDestroy();
  while (!left.includes('/1')) await turn();
  const other = connect();
  await other.write(get('/other'));
  while (running.length < 2) await turn();
  for (const one of [...running]) one.end();
  await other.replies(1);
  await turns();
  t.deepEqual(started, ['/1', '/other']);
});

test('a client that ends its side behind its requests gets every answer', async t => {
  const {connect} = await openHttp(t, ({path}) => path);
  const wire = connect();
  const paths = Array.from({length: 40}, (_, index) => `/${index}`);
  wire.socket.end(paths.map(get).join(''));
  const replies = await wire.rest();
  t.deepEqual(
    replies.map(({body}) => body.toString()),
    paths,
  );
});

test.serial('to ask for the signals of all requests of a pipeline writes no warning', async t => {
  const {run, running} = gate();
  const warnings: string[] = [];
  const note = ({name}: Error) => void warnings.push(name);
  process.on('warning', note);
  const {connect} = await openHttp(t, run, {asksForSignal: true});
  const wire = connect();
  await wire.write(Array.from({length: 16}, (_, index) => get(`/${index}`)).join(''));
  while (running.length < 16) await turn();
  await turns();
  process.off('warning', note);
  for (const one of [...running]) one.end();
  await wire.replies(16);
  t.deepEqual(warnings, []);
});
