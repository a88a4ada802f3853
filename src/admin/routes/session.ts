import type {Budget} from '../../limits/budget.ts';
import {Refusal, type Route} from '../../route.ts';
import {type Caller, type CallerRules, callerOf, isSignedIn, refuseToken} from '../caller.ts';
import {readBody} from '../reading/body.ts';
import {cookieName, cookiesOf, writeCookie} from '../sessions.ts';
import {described} from './described.ts';

const mostBytes = 4096;

/** A browser signs in with the token, as it cannot send one with an event stream or a link. */
export function sessionRoutes(rules: CallerRules, {budget}: {readonly budget: Budget}): Route[] {
  const path = '/api/session';
  return [
    {
      method: 'GET',
      path,
      described: described('session'),
      open: 'page',
      doc: 'Whether the caller is signed in, and whether that is needed.',
      run: ({request, get}) => ({
        body: {needed: rules.token !== undefined, signedIn: isSignedIn(callerOf(request, get), rules)},
      }),
    },
    {
      method: 'POST',
      path,
      described: described('signIn'),
      open: 'page',
      doc: 'Signs a browser in: `{"token": "…"}`, with `"folder": "/…/"` where a proxy has the listener below a path. The answer sets a cookie that stands for the token for 12 hours.',
      async run({request, response, get}) {
        const caller = callerOf(request, get);
        const {token, folder} = parse(await readBody(request, response, budget, mostBytes));
        const {sessions} = rules;
        if (!sessions) return {status: 204, body: null};
        const refusal = refuseToken(token, caller, rules);
        if (refusal) throw refusal;
        return signed(caller, sessions.open(), {folder, protocol: get('x-forwarded-proto')});
      },
    },
    {
      method: 'DELETE',
      path,
      described: described('signOut'),
      open: 'page',
      query: 'folder=<path>',
      doc: 'Signs a browser out.',
      run({request, query, get}) {
        const caller = callerOf(request, get);
        for (const each of cookiesOf(caller.cookie, cookieName(caller.host))) rules.sessions?.end(each);
        return signed(caller, '', {folder: folderOf(query.get('folder') ?? '/'), protocol: get('x-forwarded-proto')});
      },
    },
  ];
}

function signed({host, origin}: Caller, session: string, {folder, protocol}: {folder: string; protocol: string}) {
  const isSecure = protocol === 'https' || origin.startsWith('https:');
  return {status: 204, headers: {'Set-Cookie': writeCookie(cookieName(host), session, {folder, isSecure})}, body: null};
}

/** @throws Refusal BAD_REQUEST */
function parse(text: string): {token: string; folder: string} {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {}
  const {token, folder = '/'} = Object(given);
  if (typeof token !== 'string') throw new Refusal('BAD_REQUEST', 'expected a JSON object such as {"token": "…"}');
  return {token, folder: folderOf(folder)};
}

/** A path that cannot end the attribute of a cookie. @throws Refusal BAD_REQUEST */
function folderOf(given: unknown): string {
  if (typeof given === 'string' && /^\/([\w.~%-]+\/)*$/.test(given)) return given;
  throw new Refusal('BAD_REQUEST', 'folder: expected a path with a slash at both ends');
}
