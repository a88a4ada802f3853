import test from 'ava';
import {fingerprintOf, ownerOf, scopeOf} from '../../src/work/fingerprint.ts';

const request = (method: string, path: string, query: string, body: string, eventType = 'http') => ({
  eventType,
  method,
  path,
  query,
  body: Buffer.from(body),
});

test('requests that read alike when they are joined have different fingerprints', t => {
  const fingerprints = [
    request('POST', '/a', 'b', 'c'),
    request('POST', '/ab', '', 'c'),
    request('POST', '/a', '', 'bc'),
    request('POST', '/a', 'bc', ''),
    request('POST', '/a1:b', '', 'c'),
    request('POST', '/a', '1:bc', ''),
    request('PUT', '/a', 'b', 'c'),
    request('POST', '/', '', 'c'),
    request('POST', '/', '', 'c', 'sqs'),
    request('POST', '/', '', 'c', 'mqtt'),
  ].map(fingerprintOf);
  t.is(new Set(fingerprints).size, fingerprints.length);
});

test('the same request has the same fingerprint', t => {
  t.is(fingerprintOf(request('POST', '/é', 'b', 'c')), fingerprintOf(request('POST', '/é', 'b', 'c')));
  t.regex(fingerprintOf(request('GET', '/', '', '')), /^[0-9a-f]{64}$/);
});

test('a key counts for one function and one caller', t => {
  const scopes = [
    scopeOf('f', 'a', 'k'),
    scopeOf('f', 'b', 'k'),
    scopeOf('g', 'a', 'k'),
    scopeOf('f', 'a', 'l'),
    scopeOf('f', undefined, 'k'),
  ];
  t.is(new Set([...scopes, scopeOf('f', '', 'k'), scopeOf('f', 'ak', ''), scopeOf('fa', 'k', '')]).size, 8);
  t.is(scopes[0], scopeOf('f', 'a', 'k'));
});

test('an owner is neither the subject nor a key', t => {
  t.regex(ownerOf('alice'), /^[0-9a-f]{64}$/);
  t.not(ownerOf('alice'), ownerOf('bob'));
  t.is(ownerOf('alice'), ownerOf('alice'));
});
