import {ConfigurationError} from '../../errors.ts';
import type {Environment} from '../../settings/setting.ts';
import {readYaml} from './document.ts';
import {readFunction} from './function.ts';
import type {Manifest} from './manifest.ts';
import {type Findings, Section} from './section.ts';
import {resolveVariables} from './variables.ts';

export interface ManifestFile {
  /** For messages. */
  readonly name: string;
  readonly text: string;
}

/** More functions than a machine of one person runs side by side. */
const mostFunctions = 50;

/**
Reads the functions of a manifest of the Serverless Framework with Scaleway's provider.

@param env of this machine, with the `.env` file: secrets and variables refer to it
@param only the name of a function: notes about the others are left out. Mistakes never are
@throws ConfigurationError with every mistake: file, line, the path in the file, what was expected and what stood there
@see https://github.com/scaleway/serverless-scaleway-functions
*/
export function readServerless({name, text}: ManifestFile, env: Environment, only?: string): Manifest {
  const document = readYaml(text, name);
  const findings: Findings = {problems: [], notes: []};
  const resolve = (given: string) => resolveVariables(given, {env, manifest: document.value});
  const root = new Section({...document, resolve}, findings);
  root.checkKeys({used: ['provider', 'functions'], silent: deployOnly});
  const provider = readProvider(root);
  const entries = root.section('functions');
  const hasContainers = containersOf(root.get('custom'));
  if (hasContainers) root.note('custom', 'containers are not served, only functions');
  if (entries.keys.length === 0)
    root.problem('functions', `at least one function${hasContainers ? ', as containers are not served' : ''}`, undefined);
  if (entries.keys.length > mostFunctions) root.problem('functions', `at most ${mostFunctions} functions`, entries.keys.length);
  const functions = entries.keys.map(key => {
    const before = findings.notes.length;
    const read = readFunction(key, entries.section(key), {provider, env});
    if (only !== undefined && key !== only) findings.notes.splice(before);
    return read;
  });
  checkNames(entries);
  if (findings.problems.length > 0) throw new ConfigurationError(findings.problems);
  return {functions: functions.filter(each => each !== undefined), notes: findings.notes};
}

/** Keys at the top of the file that say how to deploy. */
const deployOnly = [
  ...['service', 'frameworkVersion', 'configValidationMode', 'useDotenv', 'singleSource', 'plugins', 'package', 'patterns', 'custom'],
  ...['variablesResolutionMode', 'deprecationNotificationMode', 'disabledDeprecations', 'app', 'org', 'licenseKey', 'build', 'stages'],
];

function readProvider(root: Section): Section {
  const provider = root.section('provider');
  const name = provider.text('name', 'scaleway');
  if (name !== 'scaleway') {
    provider.problem('name', 'scaleway: functions of other providers get other events', name);
  }
  provider.checkKeys({
    used: ['name', 'runtime', 'env', 'secret'],
    silent: ['scwToken', 'scwProject', 'scwOrganization', 'scwRegion', 'stage', 'region'],
  });
  return provider;
}

/** Each function answers at `/<name>` and at `<name>.localhost`, and a host knows no case. */
function checkNames(entries: Section): void {
  const seen = new Map<string, string>();
  for (const key of entries.keys) {
    const other = seen.get(key.toLowerCase());
    if (!/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/.test(key)) {
      entries.problem(key, 'a name of at most 63 letters, digits, hyphens and underscores, with a letter or digit at its ends', key);
    } else if (other !== undefined) entries.problem(key, `a name that differs from \`${other}\` in more than case`, key);
    seen.set(key.toLowerCase(), key);
  }
}

const containersOf = (custom: unknown): boolean => typeof custom === 'object' && custom !== null && 'containers' in custom;
