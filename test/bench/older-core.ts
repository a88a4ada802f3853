import test from 'ava';
import {suffice} from '../../bench/older-core.ts';

const lockFile = (packages: Readonly<Record<string, unknown>>) => JSON.stringify({packages: {'': {version: '0.1.0'}, ...packages}});
const ours = lockFile({'node_modules/koa': {version: '3.3.0'}, 'node_modules/got': {version: '16.1.0'}});

test('a package of another version, or one that is missing, has to be installed', t => {
  t.false(suffice(ours, lockFile({'node_modules/koa': {version: '3.2.0'}})));
  t.false(suffice(ours, lockFile({'node_modules/undici': {version: '8.12.4'}})));
});

test('packages that are not needed to run may be missing, and more may be there', t => {
  t.true(suffice(ours, lockFile({'node_modules/koa': {version: '3.3.0'}, 'node_modules/ava': {version: '8.1.2', dev: true}})));
});
