import test from 'ava';
import {networkNote} from '../../src/dev/network.ts';

for (const host of ['127.0.0.1', '::1', 'localhost']) {
  test(`a function on ${host} is not open to the network`, t => {
    t.is(networkNote(host, 8080), undefined);
  });
}

test('an address of the network is named, and those of a machine that listens everywhere', t => {
  t.is(networkNote('192.0.2.1', 8080), 'Open to the network: http://192.0.2.1:8080');
  t.is(networkNote('2001:db8::1', 80), 'Open to the network: http://[2001:db8::1]:80');
  t.regex(networkNote('0.0.0.0', 8080) ?? '', /^Open to the network(: http:\/\/[\d.]+:8080(, http:\/\/[\d.]+:8080)*)?$/);
});
