import test from 'ava';
import {AddressRefused, checkedLookup, isPublic, type Resolve, refuseAddress} from '../../../src/work/callback/addresses.ts';

for (const address of [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.255',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.19.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.1.1.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:8.8.8.8',
  '::127.0.0.1',
  '64:ff9b::a00:1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '3fff::1',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'fe80::1%lo',
  'fec0::1',
  'ff02::1',
  'localhost',
  '',
]) {
  test(`${address || 'nothing'} is not public`, t => t.false(isPublic(address)));
}

for (const address of [
  '8.8.8.8',
  '1.1.1.1',
  '100.128.0.1',
  '172.32.0.1',
  '223.255.255.255',
  '2606:4700::1111',
  '2a00:1450::1',
  '2003::1',
]) {
  test(`${address} is public`, t => t.true(isPublic(address)));
}

test('a host that is an address is checked without a look-up', t => {
  t.throws(() => refuseAddress('[::1]', isPublic), {instanceOf: AddressRefused, message: '::1 is not a public address'});
  t.throws(() => refuseAddress(new URL('http://0x7f.1/').hostname, isPublic), {message: '127.0.0.1 is not a public address'});
  t.notThrows(() => refuseAddress('8.8.8.8', isPublic));
  t.notThrows(() => refuseAddress('hooks.example.com', isPublic));
});

const resolving = (...addresses: string[]): Resolve => {
  return (_host, _options, callback) =>
    callback(
      null,
      addresses.map(address => ({address, family: address.includes(':') ? 6 : 4})),
    );
};

function looked(resolve: Resolve, all: boolean) {
  return new Promise((found, failed) => {
    checkedLookup(isPublic, resolve)('hooks.example.com', {all}, (error, address) => (error ? failed(error) : found(address)));
  });
}

for (const all of [true, false]) {
  test(`a name with one address that is not public is refused${all ? '' : ', when one address is asked for, too'}`, async t => {
    const message = 'hooks.example.com has the address 10.0.0.1, which is not a public one';
    await t.throwsAsync(looked(resolving('8.8.8.8', '10.0.0.1'), all), {instanceOf: AddressRefused, message});
    await t.throwsAsync(looked(resolving(), all), {message: 'hooks.example.com has no address'});
    await t.throwsAsync(
      looked((_host, _options, callback) => callback(new Error('ENOTFOUND'), []), all),
      {message: 'ENOTFOUND'},
    );
  });
}

test('the addresses that were checked are those that are connected to', async t => {
  t.is(await looked(resolving('8.8.8.8', '1.1.1.1'), false), '8.8.8.8');
  t.deepEqual(await looked(resolving('8.8.8.8', '2606:4700::1111'), true), [
    {address: '8.8.8.8', family: 4},
    {address: '2606:4700::1111', family: 6},
  ]);
});
