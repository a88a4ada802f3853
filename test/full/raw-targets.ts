import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {type RunningCore, startCore} from '../helpers/core.ts';
import {ask, askRaw} from '../helpers/request.ts';

// What functions that want the target of a request as it came are told of it, though the event has it decoded and taken apart.

const folder = mkdtempSync(path.join(os.tmpdir(), 'raw-targets-'));
test.after.always(() => rmSync(folder, {recursive: true, force: true}));

const files: Record<string, string> = {
  'fetch.mjs': "export default {fetch: ({url}) => new Response('<' + url.slice('http://a'.length) + '>')};",
  'wsgi.py': `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    query = "?" + environ["QUERY_STRING"] if environ["QUERY_STRING"] else ""
    assert environ["REQUEST_URI"].split("?", 1)[0] + query == environ["REQUEST_URI"]
    return [("<" + environ["REQUEST_URI"] + ">").encode("latin-1")]
`,
  'asgi.py': `
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError("it knows no lifespan")
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"<" + scope["raw_path"] + query + b">"})
`,
  'target.php': `<?php
function handle($event, $context)
{
    return str_contains(json_encode([$event, $context]), 'target') ? '<JSON has it>' : '<' . $context->getRequestTarget() . '>';
}
`,
  'event.cjs': 'exports.handle = (event, context) => "<" + JSON.stringify([event, context]).includes("target") + " " + event.path + ">";',
};
for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);

const targets = ['/plain', '/a%2Fb', '/a%2fb/%C3%A9', '/x?b=2&a=1&b=1', '/x?10=a&9=b&a', '/x?a=%20+&%61=1&&=', '/x?a?b=%zz', '//x//?/'];

async function tell(core: RunningCore, target: string): Promise<string | undefined> {
  const request = Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 'latin1');
  return /<(.*)>/.exec(Buffer.from(await askRaw(core.url, request), 'latin1').toString())?.[1];
}

const runs = (program: string) => spawnSync(program, ['--version']).status === 0;
const isAbsent: Record<string, boolean> = {'.py': !runs('python3'), '.php': !runs('php')};

for (const [title, file, name, hops] of [
  ['the URL of a Request', 'fetch.mjs', 'handle', ['auto', 'http']],
  ['REQUEST_URI and QUERY_STRING of WSGI', 'wsgi.py', 'app', ['auto', 'http']],
  ['raw_path and query_string of ASGI', 'asgi.py', 'app', ['auto']],
  ['getRequestTarget() in PHP, and no member', 'target.php', 'handle', ['auto', 'http']],
] as const) {
  for (const hop of hops) {
    const check = isAbsent[path.extname(file)] ? test.skip : test;
    check(`${title}: what came${hop === 'http' ? ', over HTTP' : ''}`, async t => {
      const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: path.join(folder, file), SCW_HANDLER_NAME: name, CORE_HOP: hop};
      const core = await startCore(env, t);
      for (const target of targets) t.is(await tell(core, target), target);
    });
  }
}

test('a Request keeps what would end the path of a URL, or begin a folder', async t => {
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: path.join(folder, 'fetch.mjs')}, t);
  t.is(await tell(core, '/a#b\\c%2F'), '/a%23b%5Cc%2F');
});

test('the Request of a body that comes has the target, too', async t => {
  const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: path.join(folder, 'fetch.mjs'), CORE_PROTOCOL: 'stream'};
  const core = await startCore(env, t);
  t.is(await tell(core, '/a%2Fb?b&a'), '/a%2Fb?b&a');
});

test('the Request of work that waited has the target, too', async t => {
  const env = {
    SCW_PUBLIC: 'true',
    SCW_HANDLER_PATH: path.join(folder, 'fetch.mjs'),
    CORE_WORK: 'on',
    CORE_JOURNAL: `sqlite:${folder}/work.db`,
  };
  const core = await startCore(env, t);
  const accepted = await ask(`${core.url}/a%2Fb?b&a=%20`, {method: 'POST', headers: {Host: 'a', Prefer: 'respond-async'}});
  const url = new URL(`${accepted.field('location')}/reply`, core.url).href;
  let reply = await ask(url);
  for (; reply.status !== 200; reply = await ask(url)) await new Promise(resolve => setTimeout(resolve, 10));
  t.is(reply.text(), '</a%2Fb?b&a=%20>');
});

test('a handler that takes an event does not see it', async t => {
  const core = await startCore({SCW_PUBLIC: 'true', SCW_HANDLER_PATH: path.join(folder, 'event.cjs')}, t);
  t.is(await tell(core, '/a%2Fb?x'), 'false /a/b');
});
