import test from 'ava';
import type {Commands} from '../../src/command/command.ts';
import {joinCommands} from '../../src/commands/join.ts';

const named = (...names: string[]): Commands =>
  Object.fromEntries(
    names.map(name => [
      name,
      () => {
        throw new Error('loaded');
      },
    ]),
  );
const trigger = (commands: Parameters<typeof joinCommands>[0]) => ({settings: {}, commands});

test('one name for two commands is refused, with both that bring it', t => {
  t.throws(() => joinCommands({core: named('ready')}, {inbox: trigger({settings: named('ready')})}), {
    instanceOf: TypeError,
    message: 'Expected one command `ready`, got one of the trigger inbox and one of the core',
  });
  t.throws(() => joinCommands({}, {inbox: trigger({core: named('send')}), outbox: trigger({core: named('send')})}), {
    message: 'Expected one command `send`, got one of the trigger inbox and one of the trigger outbox',
  });
});

test('a command that is called like a group is refused', t => {
  t.throws(() => joinCommands({journal: named('journal export')}, {inbox: trigger({core: named('journal')})}), {
    instanceOf: TypeError,
    message: 'Expected no command with the name of a group, got `journal` of the trigger inbox and `journal export` of the core',
  });
});

test('the commands of triggers follow those of the core in each section, and none is loaded', t => {
  const own = {settings: named('config'), core: named('ready')};
  const joined = joinCommands(own, {cron: trigger({settings: named('schedules'), core: named('fire')}), http: {settings: {}}});
  t.deepEqual(Object.keys(joined), ['config', 'schedules', 'ready', 'fire']);
});
