import {ConfigurationError} from '../../src/errors.ts';
import {inGroup} from '../../src/settings/groups.ts';
import {integer, oneOf, readBy, type Settings, secret, setting, shown, text} from '../../src/settings/setting.ts';
import {readCallbackHosts} from '../../src/work/callback-hosts.ts';
import type {Compat} from '../../src/work/wish.ts';

export const settings = {
  ...inGroup('work', {
    work: setting(
      'CORE_WORK',
      oneOf('off', 'on'),
      'off',
      'on: callers may send work (Prefer: respond-async, Idempotency-Key), and paths below /_core/ are those of the core.',
    ),
    workMost: setting('CORE_WORK_MAX', integer(1, 100_000_000), '100000', 'Most items of work that may wait or run; then 503.'),
    workConcurrency: setting(
      'CORE_WORK_CONCURRENCY',
      integer(1, 10_000),
      undefined,
      'Items of work that run at once, in each process. By default half of the calls that may run there, at least one.',
    ),
    workCompat: setting(
      'CORE_WORK_COMPAT',
      readBy(readCompat),
      '',
      'Platforms whose ways of sending work are understood, too, separated by commas: openfaas, lambda. By default none.',
    ),
    callbackHosts: setting(
      'CORE_CALLBACK_HOSTS',
      readBy(readCallbackHosts),
      '',
      'Hosts that replies may be posted to (Core-Callback), separated by commas, such as `*.example.com`. By default none.',
    ),
    callbackKeys: secret(
      'CORE_CALLBACK_SECRET',
      text(),
      undefined,
      'Signs what is posted, as Standard Webhooks says: `whsec_` and 24 to 64 bytes in base64.',
    ),
    workAttempts: setting('CORE_WORK_ATTEMPTS', integer(1, 100), '8', 'Most attempts of an item of work; then it is a dead letter.'),
  }),
} satisfies Settings;

const known = ['openfaas', 'lambda'] as const satisfies readonly Compat[];

/** @throws ConfigurationError */
function readCompat(given: string): ReadonlySet<Compat> {
  const names = given.split(',').map(name => name.trim());
  return new Set(names.filter(name => name !== '').map(name => known.find(each => each === name) ?? refuse(name)));
}

function refuse(name: string): never {
  throw new ConfigurationError([`expected ${known.join(', ')} or both, got \`${shown(name)}\``]);
}
