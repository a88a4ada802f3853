import {createHash} from 'node:crypto';
import {nkeys} from '@nats-io/transport-node';

/*
What `nsc` makes: an operator, accounts and a user, each signed by the one above it, for a server that lets in by credentials.
*/

type Keys = ReturnType<typeof nkeys.createUser>;

const noLimits = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1,
  mem_storage: -1,
  disk_storage: -1,
  streams: -1,
  consumer: -1,
};

/** @returns lines of a server's configuration, and what the file of credentials of its user says */
export function makeCredentials(): {config: string; credentials: string} {
  const [operator, system, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount(), nkeys.createUser()];
  const ofAccount = {type: 'account', version: 2, limits: noLimits, default_permissions: {}};
  const config = [
    `operator: "${token(operator, operator, {type: 'operator', version: 2})}"`,
    `system_account: ${system.getPublicKey()}`,
    'resolver: MEMORY',
    'resolver_preload: {',
    `  ${system.getPublicKey()}: "${token(operator, system, {...ofAccount, limits: {...noLimits, mem_storage: 0, disk_storage: 0, streams: 0}})}"`,
    `  ${account.getPublicKey()}: "${token(operator, account, ofAccount)}"`,
    '}',
  ].join('\n');
  const seed = Buffer.from(user.getSeed()).toString();
  const jwt = token(account, user, {type: 'user', version: 2, subs: -1, data: -1, payload: -1});
  return {
    config,
    credentials: `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
  };
}

function token(issuer: Keys, subject: Keys, nats: object): string {
  const claims = {iat: 1_764_000_000, iss: issuer.getPublicKey(), name: nats.constructor.name, sub: subject.getPublicKey(), nats};
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex');
  const signed = [
    {typ: 'JWT', alg: 'ed25519-nkey'},
    {...claims, jti},
  ]
    .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`;
}
