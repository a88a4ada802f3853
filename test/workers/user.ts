import test from 'ava';
import {ConfigurationError} from '../../src/errors.ts';
import {resolveUser} from '../../src/workers/process/user.ts';

const readPasswd = () => 'root:x:0:0:root:/root:/bin/sh\nfunction:x:10002:10003::/:/sbin/nologin\nbroken\n';
const asRoot = {readPasswd, ownId: 0};

for (const given of ['nobody-here', '-1', '1:2:3', '10002:', '99999999999', '']) {
  test(`\`${given}\` is no user`, t => {
    t.throws(() => resolveUser(given, asRoot), {instanceOf: ConfigurationError, message: /CORE_CHILD_USER: expected a user/});
  });
}

test('only root can become another user', t => {
  t.throws(() => resolveUser('function', {readPasswd, ownId: 1000}), {message: /expected the core to run as root/});
  t.deepEqual(resolveUser('1000:1000', {readPasswd, ownId: 1000}), {uid: 1000, gid: 1000});
});

test('a user is a number, a number and a group, or a name', t => {
  t.deepEqual(resolveUser('10002', asRoot), {uid: 10002, gid: 10002});
  t.deepEqual(resolveUser('10002:7', asRoot), {uid: 10002, gid: 7});
  t.deepEqual(resolveUser('function', asRoot), {uid: 10002, gid: 10003});
});
