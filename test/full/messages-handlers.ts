import {execFileSync, spawnSync} from 'node:child_process';
import {SendMessageCommand, SQSClient} from '@aws-sdk/client-sqs';
import {connect} from '@nats-io/transport-node';
import test, {type ExecutionContext} from 'ava';
import {projectFile, type RunningCore, startCore} from '../helpers/core.ts';
import {missing as missingElasticMq, startElasticMq} from '../helpers/elasticmq.ts';
import {folderWith} from '../helpers/folder.ts';
import {metric, until} from '../helpers/message-place.ts';
import {natsServer, startNats} from '../helpers/nats.ts';

/*
Handlers of the form that the platform publishes for its triggers: they refuse what is no POST, read the message in the body,
print what they found, and answer 200 with a text, or with what their language makes of a number. Each runs as it stands.
*/

const node = `
"use strict";
import {argv} from "process";
export function handle(event, context, callback) {
  if (event["httpMethod"] !== "POST") return {statusCode: 405, body: "Method Not Allowed", headers: {"Content-Type": "text/plain"}};
  const n = parseInt(event["body"]);
  console.log(\`node: twice \${n} is \${2 * n}\`);
  return {statusCode: 200, body: (2 * n).toString(), headers: {"Content-Type": "text/plain"}};
}
if (argv[1].endsWith("never.js")) handle({});
`;

const python = `
import http


def handler(event, _context):
    if event["httpMethod"] != "POST":
        status = http.HTTPStatus.METHOD_NOT_ALLOWED
        return {"headers": {"Content-Type": "text/plain"}, "statusCode": status.value, "body": status.description}
    n = int(event["body"])
    print(f"python: twice {n} is {2 * n}")
    return {"headers": {"Content-Type": "text/plain"}, "statusCode": http.HTTPStatus.OK.value, "body": str(2 * n)}


if __name__ == "__main__":
    raise SystemExit("only when it is started by hand")
`;

const php = `<?php
function handle($event, $context)
{
    if ($event["httpMethod"] !== "POST") {
        return ["statusCode" => 405, "headers" => ["Content-Type" => "text/plain"], "body" => "Method Not Allowed"];
    }
    $n = intval($event["body"]);
    $result = 2 * $n;
    echo "php: twice $n is $result\\n";
    return ["statusCode" => 200, "headers" => ["Content-Type" => "text/plain"], "body" => $result];
}
`;

/** The handler has a package of its own, and the platform builds a program around it. It sets a status after the body. */
const go = {
  'function/handler.go': `package handler

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
)

func Handle(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "only messages are taken", http.StatusMethodNotAllowed)
		return
	}
	given, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	n, err := strconv.Atoi(string(given))
	if err != nil {
		http.Error(w, err.Error(), http.StatusOK) // it will never be a number, so it is done
		return
	}
	fmt.Printf("go: twice %d is %d\\n", n, 2*n)
	fmt.Fprint(w, 2*n)
	w.WriteHeader(http.StatusOK)
	w.Header().Set("Content-Type", "text/plain")
}
`,
  'main.go': `package main

import (
	functions "core-runtime/functions"
	handler "shop/function"
)

func main() { functions.Start(handler.Handle) }
`,
  'go.mod': `module shop

go 1.19

require core-runtime/functions v0.0.0

replace core-runtime/functions => ${projectFile('runtimes/go')}
`,
};

/** It answers with a text alone, and reads the message with a method of the event. */
const pythonOfNats = `
def handle(event, context):
    body = event.get("body")
    print(f"Received message: {body}")
    return "Hello NATS!"
`;

interface Language {
  readonly files: Readonly<Record<string, string>>;
  readonly file: string;
  readonly name: string;
  readonly has: boolean;
  /** Makes the program that it is. */
  build?(folder: string): void;
}

const runs = (program: string) => spawnSync(program, ['--version']).status === 0;
const languages: Readonly<Record<string, Language>> = {
  node: {files: {'handler.js': node, 'package.json': '{"type": "module"}'}, file: 'handler.js', name: 'handle', has: true},
  python: {files: {'handler.py': python}, file: 'handler.py', name: 'handler', has: runs('python3')},
  php: {files: {'handler.php': php}, file: 'handler.php', name: 'handle', has: runs('php')},
  go: {
    ...{files: go, file: 'handler', name: 'Handle', has: spawnSync('go', ['version']).status === 0},
    build: cwd => void execFileSync('go', ['build', '-o', 'handler', '.'], {cwd, stdio: ['ignore', 'ignore', 'inherit']}),
  },
};

async function startWith(t: ExecutionContext, {files, file, name, build}: Language, entry: object): Promise<RunningCore> {
  const folder = await folderWith(t, files);
  build?.(folder);
  const env = {
    ...{SCW_PUBLIC: 'true', SCW_HANDLER_PATH: `${folder}/${file}`, SCW_HANDLER_NAME: name},
    ...(build && {SCW_HANDLER_IS_BINARY: 'true'}),
  };
  return startCore({...env, CORE_TRIGGERS: JSON.stringify([{name: 'orders', ...entry}])}, t);
}

const isDone = (core: RunningCore, count: number) => until(async () => (await metric(core, 'core_messages_total')) === count);
/** What the function has printed. */
const printed = ({logs}: RunningCore) => logs.filter(({source}) => source === 'function').map(({msg}) => msg);

if (missingElasticMq !== undefined) test.skip(`handlers that are called by SQS (skipped: ${missingElasticMq})`, () => {});
else {
  test.serial('handlers that are called by SQS read the method and the body, as they are published', async t => {
    t.timeout(240_000);
    const names = Object.keys(languages).filter(name => languages[name]?.has);
    const server = await startElasticMq(t, [...names.map(name => `${name} {}`), 'dead {}'].join(', '));
    const keys = {region: 'elasticmq', accessKeyId: 'x', secretAccessKey: 'x'};
    const client = new SQSClient({region: keys.region, credentials: {...keys}, endpoint: new URL(server.url).origin});
    t.teardown(() => client.destroy());
    for (const name of names) {
      const queue = `${server.url}/${name}`;
      const language = languages[name];
      if (!language) continue;
      const core = await startWith(t, language, {type: 'sqs', queue, ...keys});
      for (const MessageBody of ['0', '21']) await client.send(new SendMessageCommand({QueueUrl: queue, MessageBody}));
      await isDone(core, 2);
      await core.logged(({msg}) => msg === `${name}: twice 21 is 42`);
      t.deepEqual(printed(core).toSorted(), [`${name}: twice 0 is 0`, `${name}: twice 21 is 42`]);
      const {body} = await fetchText(core, 'POST', '4');
      t.is(body, '8', `${name} answers a request with the same`);
      t.is((await fetchText(core, 'GET')).status, 405);
      if (name === 'go') t.is((await fetchText(core, 'POST', 'four')).status, 200, 'what it cannot read is done');
      await core.stop();
    }
  });
}

(natsServer && runs('python3') ? test.serial : test.skip)(
  'a handler that is called by NATS reads the body, and may answer with a text',
  async t => {
    const language = {files: {'handler.py': pythonOfNats}, file: 'handler.py', name: 'handle', has: true};
    await callByNats(t, language, 'Hello, world', 'Received message: Hello, world');
  },
);

(natsServer && languages.go?.has ? test.serial : test.skip)(
  'a handler in Go that is called by NATS gets the message as a request',
  async t => {
    if (languages.go) await callByNats(t, languages.go, '21', 'go: twice 21 is 42');
  },
);

async function callByNats(t: ExecutionContext, language: Language, body: string, line: string): Promise<void> {
  t.timeout(120_000);
  const cluster = await startNats(1);
  t.teardown(() => cluster[Symbol.asyncDispose]());
  const core = await startWith(t, language, {type: 'nats', url: `nats://${cluster.hosts}`, subject: 'orders'});
  const client = await connect({servers: cluster.hosts});
  t.teardown(() => client.close());
  await until(async () => (await metric(core, 'core_messages_connected')) === 1);
  client.publish('orders', body);
  await isDone(core, 1);
  await core.logged(({msg}) => msg === line);
  t.is(core.logs.filter(({level}) => level === 'error').length, 0);
}

async function fetchText({url}: RunningCore, method: string, body?: string) {
  const response = await fetch(url, {method, ...(body !== undefined && {body})});
  return {status: response.status, body: await response.text()};
}
