import {createPublicKey, generateKeyPairSync, type KeyObject} from 'node:crypto';
import test from 'ava';
import {fixedKey, rsaPublicKey} from '../../middleware/keys.ts';

const {publicKey, privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
const pem = (key: KeyObject, type: 'pkcs1' | 'spki' | 'pkcs8' | 'sec1') => String(key.export({type, format: 'pem'} as never)); // each key is given a type of its own
const spki = pem(publicKey, 'spki');
const pkcs1 = pem(publicKey, 'pkcs1');
const labelled = (text: string, label: string) => text.replaceAll(/(BEGIN|END) [^-]+/g, `$1 ${label}`);
const ec = generateKeyPairSync('ec', {namedCurve: 'P-256'});
const short = generateKeyPairSync('rsa', {modulusLength: 1024});
const encrypted = privateKey.export({type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x'});
const encryptedOld = privateKey.export({type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x'});

const refused: [title: string, given: string, message: RegExp][] = [
  ['nothing', '', /PEM block/],
  ['no PEM', 'secret', /PEM block/],
  ['base64 without its frame', spki.replaceAll(/-----[^-]+-----/g, ''), /PEM block/],
  ['an empty frame', '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----', /PEM block|RSA public key/],
  ['a frame without an end', spki.slice(0, -40), /PEM block/],
  ['garbage in a frame', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', /RSA public key/],
  ['a truncated key', labelled(spki.replace(/\n[^\n]+\n-----END/, '\n-----END'), 'PUBLIC KEY'), /RSA public key/],
  ['a private key, PKCS#8', pem(privateKey, 'pkcs8'), /got a private one/],
  ['a private key, PKCS#1', pem(privateKey, 'pkcs1'), /got a private one/],
  ['a private key, encrypted', String(encrypted), /got a private one/],
  ['a private key, encrypted as OpenSSL once did', String(encryptedOld), /got a private one/],
  ['a private key, PKCS#8, under a public label', labelled(pem(privateKey, 'pkcs8'), 'PUBLIC KEY'), /RSA public key/],
  ['a private key, PKCS#1, under a public label', labelled(pem(privateKey, 'pkcs1'), 'RSA PUBLIC KEY'), /RSA public key/],
  ['a private key with literal \\n', pem(privateKey, 'pkcs8').replaceAll('\n', '\\n'), /got a private one/],
  ['an elliptic private key', pem(ec.privateKey, 'sec1'), /got a private one/],
  ['an elliptic public key', pem(ec.publicKey, 'spki'), /RSA public key/],
  ['an Ed25519 public key', pem(generateKeyPairSync('ed25519').publicKey, 'spki'), /RSA public key/],
  ['an RSA-PSS public key', pem(generateKeyPairSync('rsa-pss', {modulusLength: 2048}).publicKey, 'spki'), /RSA public key/],
  ['1024 bits, SPKI', pem(short.publicKey, 'spki'), /at least 2048 bits, got 1024/],
  ['1024 bits, PKCS#1', pem(short.publicKey, 'pkcs1'), /at least 2048 bits, got 1024/],
  ['a certificate request’s frame', labelled(spki, 'PRIVATE THING'), /got a private one/],
];

for (const [title, given, message] of refused) {
  test(`refuses ${title}, without showing it`, t => {
    const error = t.throws(() => rsaPublicKey(given), {instanceOf: TypeError, message});
    for (const line of given.split(/\n|\\n/).filter(line => line.length > 20 && !line.startsWith('-----'))) {
      t.false(error?.message.includes(line));
    }
  });
}

const accepted: [title: string, given: string][] = [
  ['SPKI', spki],
  ['PKCS#1', pkcs1],
  ['PKCS#1 under the label PUBLIC KEY', labelled(pkcs1, 'PUBLIC KEY')],
  ['SPKI under the label RSA PUBLIC KEY', labelled(spki, 'RSA PUBLIC KEY')],
  ['PKCS#1 under any label', labelled(pkcs1, 'SOME KEY')],
  ['literal \\n', spki.replaceAll('\n', '\\n')],
  ['literal \\n, PKCS#1', pkcs1.replaceAll('\n', '\\n')],
  ['CRLF', spki.replaceAll('\n', '\r\n')],
  ['literal \\r\\n', spki.replaceAll('\n', '\\r\\n')],
  ['no newline at the end', spki.trimEnd()],
  ['space around it', `\n  ${spki}\n\n`],
  ['all on one line', `-----BEGIN PUBLIC KEY-----${spki.replaceAll(/-----[^-]+-----|\n/g, '')}-----END PUBLIC KEY-----`],
  ['spaces for newlines, as some editors leave them', spki.replaceAll('\n', ' ')],
  ['quoted, as some files leave it', `"${spki.replaceAll('\n', '\\n')}"`],
  ['the first of several', spki + pem(short.publicKey, 'spki')],
];

for (const [title, given] of accepted) {
  test(`accepts ${title}`, t => t.true(rsaPublicKey(given).equals(createPublicKey(spki))));
}

test('accepts 4096 bits', t => {
  const {publicKey: long} = generateKeyPairSync('rsa', {modulusLength: 4096});
  t.true(rsaPublicKey(pem(long, 'spki')).equals(long));
});

test('without a key, every look-up says that there is no key', async t => {
  t.is(await fixedKey(undefined).find('any', 'RS256'), 'none');
  const only = {key: publicKey, algorithm: 'RS256'} as const;
  t.deepEqual(await fixedKey(publicKey).find(undefined, 'RS256'), only);
  t.deepEqual(await fixedKey(publicKey).find('any', 'ES256'), only);
});
