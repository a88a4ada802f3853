import {generateKeyPairSync} from 'node:crypto';
import {mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseEnv} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {verifier} from '../../middleware/auth.ts';
import {fixedKey, rsaPublicKey} from '../../middleware/keys.ts';
import {systemClock} from '../../src/clock.ts';
import {keysIn, newKeys} from '../../src/token/keys.ts';
import {settingsFor, signToken} from '../../src/token/token.ts';
import {ManualClock} from '../helpers/clock.ts';
import {runCli as cli} from '../helpers/core.ts';

const folderOf = async (t: ExecutionContext) => {
  const folder = await mkdtemp(join(tmpdir(), 'token-'));
  t.teardown(() => rm(folder, {recursive: true, maxRetries: 5}));
  return folder;
};

/** Asks a core's own check, with the settings that were printed. */
function verifyWith(settings: Readonly<Record<string, string | undefined>>, clock = systemClock) {
  const claims = {
    applicationId: settings.SCW_APPLICATION_ID ?? '',
    namespaceId: settings.SCW_NAMESPACE_ID ?? '',
    clockToleranceMs: 0,
    requireExpiry: true,
    issuer: settings.CORE_AUTH_ISSUER,
    audience: settings.CORE_AUTH_AUDIENCE,
  };
  return verifier(fixedKey(rsaPublicKey(settings.SCW_PUBLIC_KEY ?? '')), claims, clock);
}

for (const [title, args, message] of [
  ['settings without a key that is kept', ['--settings'], /--settings: expected --key <file> with it/],
  ['a life that is no duration', ['--expires', 'soon'], /--expires: expected a duration .* got `soon`/],
  ['a life below a second', ['--expires', '5ms'], /--expires: expected 1s or more, got `5ms`/],
  ['an empty id', ['--application', ''], /--application: expected an id without spaces around it, got ``/],
  ['an id with a space', ['--namespace', 'a '], /--namespace: expected an id/],
  ['a folder as key', ['--key', '.'], /--key \.: EISDIR/],
  [
    'a file without an end as key',
    ['--key', '/dev/zero'],
    /--key: expected a private RSA key .* in \/dev\/zero, got a file that is not one/,
  ],
  ['a key in a folder that does not exist', ['--key', 'nowhere/private.pem'], /--key nowhere\/private\.pem: ENOENT/],
] as const) {
  test(`refuses, with exit code 64: ${title}`, async t => {
    const {code, stdout, stderr} = await cli(['token', ...args]);
    t.is(code, 64, stderr);
    t.is(stdout, '');
    t.regex(stderr, message);
  });
}

test('a file that holds no private RSA key of 2048 bits is refused, and stays as it is', async t => {
  const folder = await folderOf(t);
  const pem = {type: 'pkcs8', format: 'pem'} as const;
  const {publicKey, privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
  const curve = generateKeyPairSync('ec', {namedCurve: 'P-256'}).privateKey;
  for (const [text, got] of [
    [publicKey.export({type: 'spki', format: 'pem'}), /got a public key/],
    [publicKey.export({type: 'pkcs1', format: 'pem'}), /got a public key/],
    [privateKey.export({...pem, cipher: 'aes-256-cbc', passphrase: 'x'}), /behind a passphrase/],
    [curve.export(pem), /got a key of type ec/],
    [generateKeyPairSync('rsa', {modulusLength: 1024}).privateKey.export(pem), /got one of 1024 bits/],
    ['hello', /got a file that is not one/],
    ['', /got a file that is not one/],
  ] as const) {
    const file = join(folder, 'key.pem');
    await writeFile(file, text);
    await t.throwsAsync(keysIn(file), {message: got, name: 'Error'});
    t.is(await readFile(file, 'utf8'), String(text));
  }
});

test('a key is written only where one is asked for, for its owner alone, and used again', async t => {
  const file = join(await folderOf(t), 'private.pem');
  const made = await keysIn(file);
  t.true(made.isNew);
  t.is((await stat(file)).mode & 0o777, 0o600);
  const again = await keysIn(file);
  t.false(again.isNew);
  t.is(again.publicPem, made.publicPem);
});

test('a core with the settings takes the token until it expires, and no other function does', async t => {
  const {privateKey, publicPem} = await newKeys();
  const clock = new ManualClock();
  const wish = {applicationId: 'app', namespaceId: 'space', lifeMs: 60_000};
  const {token, expiresS} = signToken(privateKey, wish, clock);
  const settings = settingsFor(publicPem, wish);
  t.is(expiresS, Math.floor(clock.now() / 1000) + 60);
  await t.notThrowsAsync(verifyWith(settings, clock)(token));
  await t.throwsAsync(verifyWith({...settings, SCW_APPLICATION_ID: 'other'}, clock)(token), {code: 'AUTH_FORBIDDEN'});
  await t.throwsAsync(verifyWith(settingsFor((await newKeys()).publicPem, wish), clock)(token), {code: 'AUTH_INVALID'});
  await clock.advance(61_000);
  await t.throwsAsync(verifyWith(settings, clock)(token), {code: 'AUTH_INVALID'});
});

test('a token for a namespace alone opens every function of it', async t => {
  const {privateKey, publicPem} = await newKeys();
  const wish = {applicationId: undefined, namespaceId: 'space', lifeMs: 60_000};
  const settings = settingsFor(publicPem, wish);
  t.false('SCW_APPLICATION_ID' in settings);
  const {token} = signToken(privateKey, wish, systemClock);
  await t.notThrowsAsync(verifyWith({...settings, SCW_APPLICATION_ID: 'any'})(token));
});

test('the token alone is on stdout; without --key nothing is written; issuer and audience are those of the settings', async t => {
  const folder = await folderOf(t);
  const env = {CORE_AUTH_ISSUER: 'https://me.test', CORE_AUTH_AUDIENCE: 'hello', SCW_APPLICATION_ID: 'app-7'};
  const {code, stdout, stderr} = await cli(['token'], env, folder);
  t.is(code, 0, stderr);
  t.regex(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  t.deepEqual(await readdir(folder), []);
  const settings = parseEnv(stderr.replaceAll(/^ +/gm, ''));
  t.is(settings.SCW_APPLICATION_ID, 'app-7');
  await t.notThrowsAsync(verifyWith({...env, ...settings})(stdout.trim()));
});

test('the settings of a key are lines of a .env file, and let in what is signed with it later', async t => {
  const folder = await folderOf(t);
  const {stdout: lines, code} = await cli(['token', '--key', 'private.pem', '--settings'], {}, folder);
  t.is(code, 0);
  t.is(lines.trim().split('\n').length, 4);
  const settings = parseEnv(lines);
  t.is(settings.SCW_PUBLIC, 'false');
  const {stdout} = await cli(['token', '--key', 'private.pem', '--json'], {SCW_PUBLIC_KEY: settings.SCW_PUBLIC_KEY ?? ''}, folder);
  const made = JSON.parse(stdout);
  t.like(made, {key: 'private.pem', isNew: false, settings});
  await t.notThrowsAsync(verifyWith(settings)(made.token));
});

test('a key of the settings that is another one is pointed out', async t => {
  const {publicPem} = await newKeys();
  t.regex(
    (await cli(['token'], {SCW_PUBLIC_KEY: publicPem})).stderr,
    /SCW_PUBLIC_KEY is set here to another key, which refuses this token/,
  );
});
