import test from 'ava';
import {whyNotStarted} from '../../src/workers/process/not-started.ts';
import {projectFile} from '../helpers/core.ts';

const refused = (code: string) => Object.assign(new Error(`spawn x ${code}`), {code});

for (const [title, command, code, said] of [
  ['what the host lacks is said in its words', {file: 'php'}, 'EMFILE', 'spawn x EMFILE'],
  [
    'a file that may not be executed is named',
    {file: '/x'},
    'EACCES',
    '/x may not be executed by this user (EACCES): its mode, or the file system that it is on, forbids it',
  ],
  ['a program that PATH does not have is named', {file: 'php'}, 'ENOENT', 'php was not found in PATH (ENOENT)'],
  ['a language that is not installed is named, with what to do', {file: 'php', missing: 'install it'}, 'ENOENT', 'install it'],
  ['a file that is gone is named', {file: '/no/such', missing: 'install it'}, 'ENOENT', '/no/such does not exist (ENOENT)'],
] as const) {
  test(title, t => t.is(whyNotStarted(command, refused(code)), said));
}

test('a program that is there but lacks its interpreter is not said to be missing', t => {
  const file = projectFile('test/fixtures/no-interpreter.sh');
  t.regex(whyNotStarted({file}, refused('ENOENT')), /no-interpreter\.sh cannot be run: the interpreter in its first line/);
});
