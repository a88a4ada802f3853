import type {Environment} from '../../settings/setting.ts';

export interface DescribedResource {
  readonly attributes: Readonly<Record<string, string>>;
  /** What was wrong with the variables, one sentence each. */
  readonly doubts: readonly string[];
}

/**
What `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` say about the resource: `key=value`, separated by commas, percent-encoded.
A member that cannot be read is left out and reported; the others stay. (The SDK silently leaves out all of them.)

@see OpenTelemetry specification, Resource SDK, "Specifying resource information via an environment variable"
*/
export function describedResource(env: Environment): DescribedResource {
  const attributes = new Map<string, string>();
  const doubts: string[] = [];
  const doubt = (rule: string, member: string, consequence: string) =>
    void doubts.push(`OTEL_RESOURCE_ATTRIBUTES: expected ${rule}, got \`${member}\`: ${consequence}`);
  for (const member of (env.OTEL_RESOURCE_ATTRIBUTES ?? '').split(',').map(given => given.trim())) {
    if (member === '') continue;
    const equals = member.indexOf('=');
    const key = decoded(member.slice(0, equals).trim());
    const value = decoded(member.slice(equals + 1).trim());
    if (equals === -1) doubt('key=value', member, 'it is left out');
    else if (key.text === '') doubt('a key before =', member, 'it is left out');
    else {
      if (member.includes('=', equals + 1)) doubt('= in a value to be written as %3D', member, 'it is taken as it stands');
      if (!key.isWhole || !value.isWhole)
        doubt('% to begin a percent-encoded character, and % itself as %25', member, 'it is taken as it stands');
      attributes.set(key.text, value.text);
    }
  }
  const name = env.OTEL_SERVICE_NAME?.trim();
  if (name) attributes.set('service.name', name);
  return {attributes: Object.fromEntries(attributes), doubts};
}

function decoded(text: string): {text: string; isWhole: boolean} {
  try {
    return {text: decodeURIComponent(text), isWhole: true};
  } catch {
    return {text, isWhole: false};
  }
}
