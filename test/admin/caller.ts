import test from 'ava';
import {Attempts} from '../../src/admin/attempts.ts';
import {type Caller, type CallerRules, refuseCaller} from '../../src/admin/caller.ts';
import {Sessions} from '../../src/admin/sessions.ts';
import {ManualClock} from '../helpers/clock.ts';

const clock = new ManualClock();
const sessions = new Sessions('secret', clock);
const rules = (listenHost: string, token?: string): CallerRules => ({
  listenHost,
  token,
  sessions: token === undefined ? undefined : sessions,
  attempts: new Attempts(clock),
});
const here = rules('127.0.0.1');
const guarded = rules('127.0.0.1', 'secret');
const open = rules('0.0.0.0', 'secret');
const caller = (some: Partial<Caller> = {}): Caller => ({
  method: 'GET',
  host: '127.0.0.1:8090',
  origin: '',
  authorization: '',
  cookie: '',
  fetchSite: '',
  fetchMode: '',
  address: '127.0.0.1',
  ...some,
});
const cookie = (session: string) => ({cookie: `a=b; core_console_8090=${session}`});
const fromElsewhere = {fetchSite: 'cross-site', fetchMode: 'no-cors'};
const bearer = (token: string) => ({authorization: `Bearer ${token}`});

const refused: [title: string, caller: Caller, rules: CallerRules, why: RegExp][] = [
  ['a name that leads here by DNS', caller({host: 'evil.example:8090'}), here, /Host/],
  ['a name that only begins like loopback', caller({host: '127.0.0.1.evil.example'}), here, /Host/],
  ['no Host', caller({host: ''}), here, /Host/],
  ['a page of another site', caller({origin: 'https://evil.example'}), here, /other sites/],
  ['a page of another port', caller({origin: 'http://127.0.0.1:3000'}), here, /other sites/],
  ['a page without an origin of its own', caller({origin: 'null'}), here, /other sites/],
  ['a page of another site that knows the token', caller({origin: 'https://evil.example', ...bearer('secret')}), guarded, /other sites/],
  ['nobody’s token', caller(), guarded, /bearer token/],
  ['another token', caller(bearer('secre')), guarded, /bearer token/],
  ['a longer token', caller(bearer('secrets')), guarded, /bearer token/],
  ['another scheme', caller({authorization: 'Basic secret'}), guarded, /bearer token/],
  ['an empty token', caller(bearer('')), guarded, /bearer token/],
  ['a caller off this machine without a token', caller({host: '10.0.0.1:8090'}), open, /bearer token/],
  ['anybody, when the listener is open and has no token', caller(), rules('0.0.0.0'), /set CORE_ADMIN_TOKEN/],
  ['a picture or a script on a page of another site', caller(fromElsewhere), here, /other sites/],
  ['the same from another port of this machine', caller({...fromElsewhere, fetchSite: 'same-site'}), here, /other sites/],
  ['a form on a page of another site', caller({method: 'POST', fetchSite: 'cross-site', fetchMode: 'navigate'}), here, /other sites/],
  [
    'a page of another port, signed in',
    caller({...fromElsewhere, fetchSite: 'same-site', ...cookie(sessions.open())}),
    guarded,
    /other sites/,
  ],
  ['a cookie that nobody signed', caller(cookie(`${sessions.open().slice(0, -1)}_`)), guarded, /bearer token/],
  ['a cookie that another token signed', caller(cookie(new Sessions('other', clock).open())), guarded, /bearer token/],
  ['the cookie of another core on this machine', caller({cookie: `core_console_8091=${sessions.open()}`}), guarded, /bearer token/],
];
for (const [title, given, rules, why] of refused) test(`${title} is refused`, t => t.regex(refuseCaller(given, rules)?.message ?? '', why));

const letIn: [title: string, caller: Caller, rules: CallerRules][] = [
  ['somebody on this machine', caller(), here],
  ['the same by name', caller({host: 'localhost:8090'}), here],
  ['the same in IPv6', caller({host: '[::1]:8090'}), rules('::1')],
  ['a page of this listener', caller({origin: 'http://127.0.0.1:8090'}), here],
  ['a page of this listener behind TLS', caller({host: 'core.internal', origin: 'https://core.internal', ...bearer('secret')}), open],
  ['a link on a page of another site', caller({fetchSite: 'cross-site', fetchMode: 'navigate'}), here],
  ['who types the address', caller({fetchSite: 'none', fetchMode: 'navigate'}), here],
  ['a browser that is signed in', caller({fetchSite: 'same-origin', ...cookie(sessions.open())}), guarded],
  [
    'a browser that is signed in, where a page at another port has set a cookie of that name, too',
    caller({fetchSite: 'same-origin', cookie: `core_console_8090=x; core_console_8090=${sessions.open()}`}),
    guarded,
  ],
  ['who has the token', caller(bearer('secret')), guarded],
  ['who has the token, in other case', caller({authorization: 'bearer  secret'}), guarded],
  ['who has the token, from anywhere', caller({host: 'core.internal:8090', ...bearer('secret')}), open],
];
for (const [title, given, rules] of letIn) test(`${title} is let in`, t => t.is(refuseCaller(given, rules), undefined));

test('a session ends when it is signed out, and after 12 hours', async t => {
  const time = new ManualClock();
  const own = new Sessions('secret', time);
  const [ended, old] = [own.open(), own.open()];
  own.end(ended);
  t.false(own.isOpen(ended));
  t.true(own.isOpen(old));
  await time.advance(12 * 3_600_000);
  t.false(own.isOpen(old));
});

test('a session outlives a restart, but not a change of the token', t => {
  const session = sessions.open();
  t.true(new Sessions('secret', clock).isOpen(session));
  t.false(new Sessions('secret2', clock).isOpen(session));
});

test('whoever sends many wrong tokens is told to wait; the right one from the same address is let in', async t => {
  const time = new ManualClock();
  const own: CallerRules = {...guarded, attempts: new Attempts(time)};
  for (let sent = 0; sent < 20; sent++) t.is(refuseCaller(caller(bearer('wrong')), own)?.code, 'FORBIDDEN');
  t.is(refuseCaller(caller(bearer('wrong')), own)?.code, 'TOO_MANY_ATTEMPTS');
  t.is(refuseCaller(caller(bearer('wrong')), own)?.headers['Retry-After'], '3', 'one that must wait is not counted again');
  t.is(refuseCaller(caller({...bearer('wrong'), address: '10.0.0.2'}), own)?.code, 'FORBIDDEN');
  t.is(refuseCaller(caller(bearer('secret')), own), undefined);
  t.is(refuseCaller(caller(cookie(sessions.open())), own), undefined);
  await time.advance(3000);
  t.is(refuseCaller(caller(bearer('wrong')), own)?.code, 'FORBIDDEN');
});

test('who sends no token at all does not use up an attempt', t => {
  const own: CallerRules = {...guarded, attempts: new Attempts(new ManualClock())};
  for (let sent = 0; sent < 100; sent++) t.is(refuseCaller(caller(), own)?.code, 'FORBIDDEN');
  t.is(refuseCaller(caller(bearer('secret')), own), undefined);
});

test('addresses that were wrong are forgotten, so that they cost no memory', t => {
  const attempts = new Attempts(new ManualClock());
  for (let sent = 0; sent < 20; sent++) attempts.wasWrong('first');
  t.is(attempts.waitS('first'), 3);
  for (let other = 0; other < 1000; other++) attempts.wasWrong(`other ${other}`);
  t.is(attempts.waitS('first'), 0);
});

test('the addresses of one IPv6 network share their attempts; those of IPv4 do not', t => {
  const attempts = new Attempts(new ManualClock());
  for (let sent = 0; sent < 20; sent++) attempts.wasWrong(`2001:db8:0:1::${sent + 1}`);
  t.is(attempts.waitS('2001:db8:0:1:ffff:ffff:ffff:ffff'), 3);
  t.is(attempts.waitS('2001:db8::1:0:0:0:7'), 3);
  t.is(attempts.waitS('2001:db8:0:2::1'), 0);
  for (let sent = 0; sent < 20; sent++) attempts.wasWrong(`::ffff:10.0.0.${sent}`);
  t.is(attempts.waitS('::ffff:10.0.0.1'), 0);
});
