import {generateKeyPairSync} from 'node:crypto';
import jwt from 'jsonwebtoken';
import type {Load} from './load.ts';
import {known, type Question, race, raceTable, ratio, runAlone} from './program.ts';
import {requestTo} from './requests.ts';
import {startOurs} from './servers.ts';

/*
What it costs to let in only who may: a public function, a private one with a token that the core has verified before,
and with another token every time.

    node bench/authentication.ts [rounds] [seconds] [--json]
*/

const [open, knownToken, newToken] = ['public', 'private, the same token', 'private, another token with every request'];
/** Twice as many as the core remembers, in turn: whenever one comes again it is forgotten. */
const tokens = 2000;

export const authentication: Question = {
  rounds: 3,
  seconds: 2,

  async answer({rounds, seconds}) {
    await using stack = new AsyncDisposableStack();
    const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
    const token = (number: number) =>
      jwt.sign({application_claim: [{application_id: 'app-1'}], jti: String(number)}, privateKey, {algorithm: 'RS256'});
    const SCW_PUBLIC_KEY = String(publicKey.export({type: 'spki', format: 'pem'}));
    const free = await startOurs('message', {}, stack);
    const guarded = await startOurs('message', {SCW_PUBLIC: 'false', SCW_PUBLIC_KEY, SCW_APPLICATION_ID: 'app-1'}, stack);

    const header = 'X-Auth-Token';
    const load = {connections: 32, seconds};
    const loads = new Map<string, Load>([
      [open, {...requestTo(free), ...load}],
      [knownToken, {...requestTo(guarded), ...load, headers: {Accept: '*/*', [header]: token(0)}}],
      [newToken, {...requestTo(guarded), ...load, each: {header, values: Array.from({length: tokens}, (_, number) => token(number))}}],
    ]);
    const results = await race(loads, rounds);
    return {
      title: 'Authentication',
      about: `RS256 with a fixed key of 2048 bits. A token that was found valid is remembered; ${tokens} in turn are more than are remembered.`,
      tables: raceTable(results, open),
      figures: known({
        'requests/s, known token / public': ratio(results.get(knownToken), results.get(open)),
        'requests/s, new token / public': ratio(results.get(newToken), results.get(open)),
      }),
    };
  },
};

if (import.meta.main) await runAlone(authentication);
