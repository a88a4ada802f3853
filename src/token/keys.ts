import {createPrivateKey, createPublicKey, generateKeyPair, type KeyObject} from 'node:crypto';
import {writeFile} from 'node:fs/promises';
import {promisify} from 'node:util';
import {readBounded} from '../bounded-file.ts';
import {CommandFailed} from '../command/failure.ts';
import {exit} from '../exit.ts';

/** What signs tokens, and the public key that checks them, as `SCW_PUBLIC_KEY` takes it. */
export interface TokenKeys {
  readonly privateKey: KeyObject;
  /** PEM, SPKI, with line breaks. */
  readonly publicPem: string;
  /** True: the pair is new. */
  readonly isNew: boolean;
}

/** Makes a pair that nothing keeps. */
export async function newKeys(): Promise<TokenKeys> {
  const {privateKey} = await promisify(generateKeyPair)('rsa', {modulusLength: bits});
  return {privateKey, publicPem: publicPemOf(privateKey), isNew: true};
}

/**
The pair of a file that holds the private key. Without the file a new pair is made, and its private key is written there,
readable by its owner alone.

@throws CommandFailed when the file is not a usable key, or cannot be read or written
*/
export async function keysIn(file: string): Promise<TokenKeys> {
  const pem = readPem(file);
  if (pem !== undefined) return readKeys(file, pem);
  const keys = await newKeys();
  const text = keys.privateKey.export({type: 'pkcs8', format: 'pem'});
  // `wx`: a file that came into being meanwhile is left as it is.
  await writeFile(file, text, {mode: 0o600, flag: 'wx'}).catch(error => {
    throw refusal(file, error);
  });
  return keys;
}

/** A core takes no shorter key. */
const bits = 2048;
/** The longest keys have 13 KB. */
const mostBytes = 65_536;

/** Undefined when the file does not exist. */
function readPem(file: string): string | undefined {
  try {
    return readBounded(file, mostBytes);
  } catch (error) {
    if (error instanceof RangeError) throw expected(file, `got a file that is not one: ${error.message}`);
    const failure = error as NodeJS.ErrnoException; // what else reading throws
    if (failure.code === 'ENOENT') return undefined;
    throw refusal(file, failure);
  }
}

function readKeys(file: string, pem: string): TokenKeys {
  if (/-----BEGIN ([A-Z0-9]+ )?PUBLIC KEY-----/.test(pem)) throw expected(file, 'got a public key, which cannot sign');
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem)) throw expected(file, 'got one behind a passphrase');
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    throw expected(file, 'got a file that is not one');
  }
  if (privateKey.asymmetricKeyType !== 'rsa') throw expected(file, `got a key of type ${privateKey.asymmetricKeyType}`);
  const {modulusLength = 0} = privateKey.asymmetricKeyDetails ?? {};
  if (modulusLength < bits) throw expected(file, `got one of ${modulusLength} bits`);
  return {privateKey, publicPem: publicPemOf(privateKey), isNew: false};
}

const publicPemOf = (privateKey: KeyObject) => String(createPublicKey(privateKey).export({type: 'spki', format: 'pem'}));

const expected = (file: string, got: string) =>
  new CommandFailed(exit.misused, `--key: expected a private RSA key (PEM, ${bits} bits or more) in ${file}, ${got}`);

const refusal = (file: string, error: Error) => new CommandFailed(exit.misused, `--key ${file}: ${error.message}`, {cause: error});
