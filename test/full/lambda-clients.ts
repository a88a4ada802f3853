import {execFile, spawnSync} from 'node:child_process';
import {cp, mkdir, mkdtemp, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {projectFile, startCore} from '../helpers/core.ts';
import {folderWith} from '../helpers/folder.ts';
import {ask} from '../helpers/request.ts';

/* Clients of Lambda's Runtime API as their registries have them, and adapters that make Lambda functions of apps. */

const run = promisify(execFile);
let folder: string;
const ric = process.env.CORE_TEST_LAMBDA_RIC;
/** What cannot be installed here, and why. */
const missing: Record<string, string> = {};

test.before(async t => {
  t.timeout(10 * 60_000, 'packages are fetched, and a client may be compiled');
  folder = await mkdtemp(join(tmpdir(), 'lambda-'));
  await cp(projectFile('examples/14-lambda'), folder, {recursive: true});
  const npm = ['install', '--no-audit', '--no-fund', '--no-package-lock'];
  const install = async (what: string, file: string, args: string[]) => {
    await run(file, args, {cwd: folder}).catch(error => {
      missing[what] = `${file} ${args.join(' ')}: ${String(error.stderr ?? error.message).slice(-300)}`;
    });
  };
  await install('express', 'npm', npm);
  if (ric === undefined)
    missing['aws-lambda-ric'] = 'CORE_TEST_LAMBDA_RIC is not set: a folder with aws-lambda-ric, which takes minutes to compile';
  else {
    await mkdir(join(folder, 'node_modules/.bin'), {recursive: true});
    await symlink(join(ric, 'node_modules/.bin/aws-lambda-ric'), join(folder, 'node_modules/.bin/aws-lambda-ric'));
  }
  await install('python', 'python3', ['-m', 'venv', 'venv']);
  await install('python', 'venv/bin/pip', ['install', '--quiet', '--requirement', 'requirements.txt']);
});
test.after.always(() => folder && rm(folder, {recursive: true, force: true}));

/** Skipped, and named, where something could not be installed. */
function withInstalled(what: string, title: string, body: (t: ExecutionContext) => Promise<void>): void {
  test.serial(title, async t => {
    t.timeout(5 * 60_000);
    const why = missing[what];
    if (why === undefined) return body(t);
    t.log(`skipped: ${why}`);
    t.pass();
  });
}

const serve = (t: ExecutionContext, env: Record<string, string>) =>
  startCore({SCW_PUBLIC: 'true', SCW_HANDLER_NAME: 'handler', CORE_JOURNAL: 'memory:', ...env}, t);
const python = () => join(folder, 'venv/bin/python');

/** The app greets, sets two cookies, and gives bytes back. */
async function greets(t: ExecutionContext, env: Record<string, string>): Promise<void> {
  const core = await serve(t, env);
  const greeting = await ask(`${core.url}/?name=Ada&name=Eve%20%26`);
  t.deepEqual([greeting.status, greeting.headers.get('set-cookie')?.map(each => each.split(';')[0])], [200, ['a=1', 'b=2']]);
  t.regex(greeting.text(), /^Hello, Ada/);
  const body = Buffer.from(Array.from({length: 1000}, (_, index) => index % 256));
  const echo = await ask(`${core.url}/echo`, {method: 'POST', body, headers: {'Content-Type': 'application/octet-stream'}});
  t.is(echo.status, 201);
  t.true(echo.body.equals(body));
  t.is(await core.stop(), 0);
}

withInstalled('express', 'an app of Express with serverless-http runs with our bridge', t =>
  greets(t, {SCW_HANDLER_PATH: join(folder, 'server.mjs')}),
);

withInstalled('python', 'an ASGI app with Mangum runs with our bridge', t =>
  greets(t, {SCW_HANDLER_PATH: join(folder, 'asgi.py'), SCW_RUNTIME_BINARY: python()}),
);

for (const payload of ['2.0', '1.0']) {
  const env = {CORE_RUNTIME: 'lambda', CORE_LAMBDA_PAYLOAD: payload};
  withInstalled('python', `an ASGI app with Mangum runs with awslambdaric, payload ${payload}`, t =>
    greets(t, {...env, SCW_HANDLER_PATH: join(folder, 'asgi.py'), SCW_RUNTIME_BINARY: python()}),
  );
  withInstalled('aws-lambda-ric', `an app of Express with serverless-http runs with aws-lambda-ric, payload ${payload}`, t =>
    greets(t, {...env, SCW_HANDLER_PATH: join(folder, 'server.mjs')}),
  );
}

withInstalled('python', 'awslambdaric: an error has its stack, and a module that cannot be imported is said', async t => {
  const own = await folderWith(t, {
    'app.py': 'def handler(event, context):\n    raise ValueError("no luck")\n',
    'broken.py': 'import nowhere\n',
  });
  const env = {CORE_RUNTIME: 'lambda', SCW_RUNTIME_BINARY: python()};
  const core = await serve(t, {...env, SCW_HANDLER_PATH: join(own, 'app.py')});
  t.is((await ask(core.url)).text(), 'An error occured during handler execution: no luck\n');
  await core.logged(({msg, stack}) => msg === 'ValueError: no luck' && /app\.py", line 2/.test(String(stack)));
  t.is(await core.stop(), 0);
  const broken = await serve(t, {...env, SCW_HANDLER_PATH: join(own, 'broken.py')});
  t.is((await ask(broken.url)).status, 500);
  t.regex((await ask(`${broken.adminUrl}/readyz`)).json().cause, /ImportModuleError: .*nowhere/);
  t.is(await broken.stop(), 0);
});

withInstalled('aws-lambda-ric', 'aws-lambda-ric: a streamed response has its head, and leaves as it is made', async t => {
  const own = join(folder, 'streamed.mjs');
  await writeFile(
    own,
    `export const handler = awslambda.streamifyResponse(async (event, stream) => {
      const head = awslambda.HttpResponseStream.from(stream, {statusCode: 201, headers: {'X-A': 'b'}});
      head.write('first ');
      await new Promise(setImmediate);
      head.end('second');
    });\n`,
  );
  const core = await serve(t, {CORE_RUNTIME: 'lambda', SCW_HANDLER_PATH: own});
  const reply = await ask(core.url);
  t.deepEqual([reply.status, reply.field('x-a'), reply.text()], [201, 'b', 'first second']);
  t.is(await core.stop(), 0);
});

const program = `package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func handle(ctx context.Context, e events.APIGatewayV2HTTPRequest) (*events.LambdaFunctionURLStreamingResponse, error) {
	name := e.QueryStringParameters["name"]
	if name == "nobody" {
		return nil, errors.New("no luck")
	}
	call, _ := lambdacontext.FromContext(ctx)
	return &events.LambdaFunctionURLStreamingResponse{
		StatusCode: 201,
		Headers:    map[string]string{"X-Call": call.AwsRequestID},
		Cookies:    []string{"a=1", "b=2"},
		Body:       io.MultiReader(strings.NewReader("Hello, "), strings.NewReader(name)),
	}, nil
}

func main() { lambda.Start(handle) }
`;

(spawnSync('go', ['version']).status === 0 ? test.serial : test.skip)(
  'a program of aws-lambda-go is run as it is, and streams',
  async t => {
    t.timeout(5 * 60_000, 'Go fetches and compiles a module');
    const own = await folderWith(t, {
      'go.mod': 'module fn\n\ngo 1.21\n\nrequire github.com/aws/aws-lambda-go v1.55.1\n',
      'main.go': program,
    });
    try {
      await run('go', ['mod', 'download', 'github.com/aws/aws-lambda-go'], {cwd: own});
    } catch (error) {
      t.log(`skipped: Go fetches nothing: ${error}`);
      return t.pass();
    }
    await run('go', ['build', '-mod=mod', '-o', 'bootstrap', '.'], {cwd: own});
    const core = await serve(t, {CORE_RUNTIME: 'lambda', SCW_HANDLER_PATH: join(own, 'bootstrap')});
    const reply = await ask(`${core.url}/?name=Ada`);
    t.deepEqual([reply.status, reply.text(), reply.headers.get('set-cookie')], [201, 'Hello, Ada', ['a=1', 'b=2']]);
    t.is(reply.field('x-call'), reply.field('core-invocation-id'));
    t.regex((await ask(`${core.url}/?name=nobody`)).text(), /no luck/);
    t.is(await core.stop(), 0);
  },
);
