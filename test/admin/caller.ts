import test from 'ava';
import {type Caller, type CallerRules, refuseCaller} from '../../src/admin/caller.ts';

const here: CallerRules = {listenHost: '127.0.0.1', token: undefined};
const guarded: CallerRules = {listenHost: '127.0.0.1', token: 'secret'};
const open: CallerRules = {listenHost: '0.0.0.0', token: 'secret'};
const caller = (some: Partial<Caller> = {}): Caller => ({host: '127.0.0.1:8090', origin: '', authorization: '', ...some});
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
  ['anybody, when the listener is open and has no token', caller(), {listenHost: '0.0.0.0', token: undefined}, /set CORE_ADMIN_TOKEN/],
];
for (const [title, given, rules, why] of refused) test(`${title} is refused`, t => t.regex(refuseCaller(given, rules)?.message ?? '', why));

const letIn: [title: string, caller: Caller, rules: CallerRules][] = [
  ['somebody on this machine', caller(), here],
  ['the same by name', caller({host: 'localhost:8090'}), here],
  ['the same in IPv6', caller({host: '[::1]:8090'}), {listenHost: '::1', token: undefined}],
  ['a page of this listener', caller({origin: 'http://127.0.0.1:8090'}), here],
  ['who has the token', caller(bearer('secret')), guarded],
  ['who has the token, in other case', caller({authorization: 'bearer  secret'}), guarded],
  ['who has the token, from anywhere', caller({host: 'core.internal:8090', ...bearer('secret')}), open],
];
for (const [title, given, rules] of letIn) test(`${title} is let in`, t => t.is(refuseCaller(given, rules), undefined));
