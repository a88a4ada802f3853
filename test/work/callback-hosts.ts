import test from 'ava';
import {ConfigurationError} from '../../src/errors.ts';
import {readCallbackHosts, refuseCallback} from '../../src/work/callback-hosts.ts';

for (const given of [
  '*',
  '*.',
  '*.*.example.com',
  'a b',
  'example.com:443',
  'example.com/',
  'https://',
  'ftp://example.com',
  'a@b',
  '*.10',
  'a.com,*',
]) {
  test(`a list \`${given}\` is refused`, t => {
    t.throws(() => readCallbackHosts(given), {instanceOf: ConfigurationError, message: /expected hosts such as/});
  });
}

test('an empty list turns callbacks off', t => {
  t.is(readCallbackHosts(''), undefined);
  t.is(readCallbackHosts(' , '), undefined);
});

const hosts = readCallbackHosts('Hooks.Example.com, *.example.org ,http://plain.example.com,bücher.example,[2001:DB8::1]');

for (const url of [
  'hooks.example.com',
  'ftp://hooks.example.com/',
  'https:hooks.example.com',
  'https://hooks.example.com/a b',
  'https://user@hooks.example.com/',
  'https://:secret@hooks.example.com/',
  'http://hooks.example.com/',
  `https://hooks.example.com/${'a'.repeat(2048)}`,
]) {
  test(`a callback to ${url.slice(0, 40)} is refused`, t => t.regex(refuseCallback(url, hosts) ?? '', /^must be an https URL .*such as/));
}

for (const url of [
  'https://example.com/',
  'https://example.org/',
  'https://badexample.org/',
  'https://hooks.example.com.evil.example/',
  'https://hooks.example.com./',
  'https://evil.example/https://hooks.example.com/',
  'https://evil.example\\@hooks.example.com/',
  'https://evil.example#@hooks.example.com/',
]) {
  test(`a callback to ${url} is refused for its host`, t =>
    t.regex(refuseCallback(url, hosts) ?? '', /^names the host .*CORE_CALLBACK_HOSTS/));
}

for (const url of [
  'https://hooks.example.com',
  'HTTPS://HOOKS.EXAMPLE.COM:8443/a?b#c',
  'https://a.b.example.org/',
  'http://plain.example.com/',
  'https://plain.example.com/',
  'https://xn--bcher-kva.example/',
  'https://[2001:db8::1]/',
]) {
  test(`a callback to ${url} is fine`, t => t.is(refuseCallback(url, hosts), undefined));
}
