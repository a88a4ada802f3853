import test from 'ava';
import {openHttp} from '../../helpers/http-trigger.ts';

for (const method of ['POST', 'GET']) {
  test(`a ${method} that waits for the request before it was sent in time, however long that takes`, async t => {
    const slow = Promise.withResolvers<string>();
    const http = await openHttp(t, ({path}) => (path === '/slow' ? slow.promise : 'ran'), {requestTimeout: 200, headersTimeout: 200});
    const wire = http.connect();
    const body = method === 'GET' ? '\r\n' : 'Content-Length: 4\r\n\r\nbody';
    await wire.write(`POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab${method} /next HTTP/1.1\r\nHost: a\r\n${body}`);
    while (http.runs.length < 1) await new Promise(resolve => setTimeout(resolve, 5));
    await new Promise(resolve => setTimeout(resolve, 800)); // four times as long as anybody may take to send
    slow.resolve('slow');
    t.deepEqual(
      (await wire.replies(2)).map(({status}) => status),
      [200, 200],
    );
    t.deepEqual(http.runs, ['/slow', '/next']);
  });
}

test('once it is served, a request that waited has to be sent in time like any other', async t => {
  const slow = Promise.withResolvers<string>();
  const http = await openHttp(t, ({path}) => (path === '/slow' ? slow.promise : 'ran'), {requestTimeout: 200, headersTimeout: 200});
  const wire = http.connect();
  await wire.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\nPOST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo');
  while (http.runs.length < 1) await new Promise(resolve => setTimeout(resolve, 5));
  await new Promise(resolve => setTimeout(resolve, 800));
  slow.resolve('slow');
  t.deepEqual(
    (await wire.rest()).map(({status}) => status),
    [200, 408],
  );
  t.deepEqual(http.runs, ['/slow']);
});
