import {rsaPublicKey} from '../../middleware/keys.ts';
import {attempt} from '../attempt.ts';
import {isoStamp, systemClock} from '../clock.ts';
import {ago, flag, json, type Option, text} from '../command/arguments.ts';
import {command} from '../command/command.ts';
import {CommandFailed} from '../command/failure.ts';
import {print, printJson} from '../command/terminal.ts';
import {exit} from '../exit.ts';
import {printableLines} from '../printable.ts';
import {settings} from '../settings/config.ts';
import {type Environment, parseSettings} from '../settings/setting.ts';
import {keysIn, newKeys, type TokenKeys} from '../token/keys.ts';
import {settingsFor, signToken, type TokenWish} from '../token/token.ts';

const id = (doc: string): Option<string | undefined> => ({
  doc,
  value: '<id>',
  expected: 'an id without spaces around it',
  read: given => (given !== '' && given?.trim() === given ? given : undefined),
});

/** `core-runtime token`: the token alone is on stdout; what a person needs besides it is on stderr. */
export const token = command({
  summary: 'Makes a token for a private function on this machine, and says which settings let it in.',
  options: {
    key: text('<file>', 'Private key that signs (PEM). A new one is written there, for you alone, when the file does not exist.'),
    application: id('Id of the function that it opens. By default SCW_APPLICATION_ID, or local, unless --namespace is given.'),
    namespace: id(
      'Id of its namespace; alone, it opens every function there. By default SCW_NAMESPACE_ID, or local, unless --application is given.',
    ),
    expires: ago('How long the token is valid.', '1h'),
    settings: flag('Print the settings of the core instead, one on a line as in a .env file; with --key.'),
    json,
  },
  examples: {
    token: 'Make a key pair and a token; print the settings that let it in. The private key is not kept.',
    'token --key private.pem --expires 8h': 'Sign with the key in private.pem, or make it.',
    'token --key private.pem --settings > private.env': 'Write the settings of the core to a file, as `dev --env-file` reads them.',
  },
  checksSettings: false,
  async run({key: file, application, namespace, expires, settings: isSettings, json: isJson}, env) {
    if (isSettings && file === undefined)
      throw new CommandFailed(exit.misused, '--settings: expected --key <file> with it, as nothing could sign for a key that is not kept');
    if (expires.ms < 1000) throw new CommandFailed(exit.misused, `--expires: expected 1s or more, got \`${expires.text}\``);
    const wish = {...idsOf(application, namespace, env), lifeMs: expires.ms};
    const keys = file === undefined ? await newKeys() : await keysIn(file);
    const made = settingsFor(keys.publicPem, wish);
    if (isSettings) {
      isJson ? printJson(made) : print(...linesOf(made));
      return exit.done;
    }
    const {token, expiresS} = signToken(keys.privateKey, wish, systemClock);
    const expiresAt = isoStamp(expiresS * 1000);
    if (isJson) {
      printJson({token, expires: expiresAt, settings: made, ...(file !== undefined && {key: file, isNew: keys.isNew})});
      return exit.done;
    }
    print(token);
    note(...advice({file, keys, made, expiresAt, env}));
    return exit.done;
  },
});

/** An id that is named stands alone; with none named, the token is for the function of the settings. */
function idsOf(application: string | undefined, namespace: string | undefined, env: Environment): Omit<TokenWish, 'lifeMs'> {
  const {issuer, audience} = parseSettings({issuer: settings.issuer, audience: settings.audience}, env);
  const isNamed = application !== undefined || namespace !== undefined;
  const {SCW_APPLICATION_ID: applicationHere, SCW_NAMESPACE_ID: namespaceHere} = env;
  return {
    applicationId: application ?? (isNamed ? undefined : applicationHere || 'local'),
    namespaceId: namespace ?? (isNamed ? undefined : namespaceHere || 'local'),
    issuer,
    audience,
  };
}

/** As in a `.env` file. Between single quotes nothing is replaced, in a shell either. */
const linesOf = (made: Record<string, string>) =>
  Object.entries(made).map(([name, value]) => `${name}=${/^[\w.-]*$/.test(value) ? value : `'${value}'`}`);

interface Made {
  readonly file: string | undefined;
  readonly keys: TokenKeys;
  readonly made: Record<string, string>;
  readonly expiresAt: string;
  readonly env: Environment;
}

function advice({file, keys, made, expiresAt, env}: Made): string[] {
  const kept = file === undefined ? 'The private key is not kept; --key <file> keeps it, for more tokens.' : undefined;
  const wrote = file !== undefined && keys.isNew ? `Wrote a new private key to ${file}, readable by you alone.` : undefined;
  return [
    ...[wrote, kept].filter(line => line !== undefined),
    `The token is valid until ${expiresAt}. A core with these settings lets it in:`,
    '',
    ...linesOf(made).map(line => `  ${line}`),
    '',
    ...(isOtherKey(keys.publicPem, env) ? ['SCW_PUBLIC_KEY is set here to another key, which refuses this token.', ''] : []),
    'Send it as X-Auth-Token, as SCW-Functions-Token, or as Authorization: Bearer <token>:',
    '',
    '  curl -H "X-Auth-Token: $TOKEN" http://localhost:8080',
  ];
}

/** A core with the settings of here would refuse the token. */
function isOtherKey(publicPem: string, {SCW_PUBLIC_KEY: set}: Environment): boolean {
  const key = set === undefined ? undefined : attempt(() => rsaPublicKey(set));
  return key !== undefined && !key.equals(rsaPublicKey(publicPem));
}

/** Not on stdout, which a script reads. */
const note = (...lines: readonly string[]) => console.error(printableLines(lines.join('\n')));
