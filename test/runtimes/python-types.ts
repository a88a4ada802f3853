import {execFile} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {promisify} from 'node:util';
import test from 'ava';
import context from 'core-runtime/schemas/context.json' with {type: 'json'};
import event from 'core-runtime/schemas/event.json' with {type: 'json'};
import {projectFile} from '../helpers/core.ts';
import {works} from '../helpers/installed.ts';

/* The types of Python say what the schemas say, and these are compared with real events in test/schemas.ts. */

const withPython = works('python3') ? test : test.skip;

/** Prints the members of each type that has some: its own name, those that must be there, those that may. */
const program = `
import json, core_runtime
types = [getattr(core_runtime, name) for name in core_runtime.__all__]
print(json.dumps({
    each.__name__: {'required': sorted(each.__required_keys__), 'members': sorted(each.__annotations__)}
    if hasattr(each, '__required_keys__') else {'required': [], 'members': sorted(each.__annotations__)}
    for each in types if hasattr(each, '__annotations__')
}))`;

withPython('the types of Python have the members of the schemas', async t => {
  const env = {...process.env, PYTHONPATH: projectFile('runtimes/python/types'), PYTHONDONTWRITEBYTECODE: '1'};
  const types = JSON.parse((await promisify(execFile)('python3', ['-c', program], {env})).stdout);
  const {requestContext} = event.properties;
  const {identity, schedule} = requestContext.properties;
  for (const [name, schema] of Object.entries({Event: event, RequestContext: requestContext, Identity: identity, Occurrence: schedule})) {
    t.deepEqual(types[name], {required: schema.required.toSorted(), members: Object.keys(schema.properties).sort()}, name);
  }
  t.deepEqual(types.Trace.members, Object.keys(context.properties.trace.properties).sort());
  // The bridge adds the body that comes as it is read; it is no part of what is sent.
  t.deepEqual(types.Context.members, ['body', ...Object.keys(context.properties)].sort());
});

test('the packages of all languages have one version', t => {
  const {version} = JSON.parse(readFileSync(projectFile('package.json'), 'utf8'));
  for (const manifest of ['runtimes/python/types/pyproject.toml', 'runtimes/rust/Cargo.toml']) {
    t.is(/^version = "(.*)"$/m.exec(readFileSync(projectFile(manifest), 'utf8'))?.[1], version, manifest);
  }
});
