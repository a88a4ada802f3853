import {mkdir, writeFile} from 'node:fs/promises';
import path from 'node:path';
import type {ExecutionContext} from 'ava';
import {type Bridge, functionFile, startBridge} from './bridge.ts';
import {checkOf, hopOf, type Python, pythonBridge, startPython} from './python-suite.ts';

interface Case {
  title: string;
  files: Record<string, string>;
  handler: string;
  /** The working directory, below the folder; without it the tests' own, which does not hold the handler. */
  cwd?: string;
  want: unknown;
  needsThree?: true;
}

const returns = (value: string, before = '') => `${before}\ndef handle(event, context):\n    return ${value}\n`;
const counts = 'import os\nos.environ["RUNS"] = os.environ.get("RUNS", "") + "x"\n';
const standard = 'import smtplib\nfrom email.mime.text import MIMEText\n';

/** How the folders of a Python function are searched for modules. */
const cases: Case[] = [
  {
    title: 'a module of the function comes before a dependency of the same name',
    files: {
      'handler.py': returns('utils.word', 'import utils'),
      'utils.py': 'word = "own"',
      'package/utils/__init__.py': 'word = "dependency"',
    },
    handler: 'handler.py',
    want: 'own',
  },
  {
    title: 'a folder called like a part of the library may be the handler’s package, and the library stays whole',
    files: {
      'email/__init__.py': '',
      'email/words.py': 'word = "own"',
      'email/handler.py': returns('[word, MIMEText("x").get_content_type()]', `from .words import word\n${standard}`),
    },
    handler: 'email/handler.py',
    want: ['own', 'text/plain'],
  },
  {
    title: 'the same, below the working directory',
    files: {
      'email/__init__.py': '',
      'email/words.py': 'word = "own"',
      'email/handler.py': returns('[word, MIMEText("x").get_content_type()]', `from .words import word\n${standard}`),
    },
    handler: 'email/handler',
    cwd: '.',
    want: ['own', 'text/plain'],
  },
  {
    title: 'a neighbour of the handler’s folder hides no part of the library',
    files: {
      'requirements.txt': '',
      'email/__init__.py': 'raise ValueError("imported")',
      'orders/handler.py': returns('MIMEText("x").get_content_type()', standard),
    },
    handler: 'orders/handler.py',
    want: 'text/plain',
  },
  ...['requirements.txt', 'pyproject.toml', 'package/dependency.py'].map(mark => ({
    title: `relative imports reach up to the root, which ${mark} marks`,
    files: {
      [mark]: '',
      'src/lib.py': `${counts}word = "lib"`,
      'src/handlers/hello.py': returns(
        '[word, src.lib is lib, os.environ["RUNS"]]',
        'import os\nimport src.lib\nfrom ..lib import word\nfrom .. import lib',
      ),
    },
    handler: 'src/handlers/hello.py',
    want: ['lib', true, 'x'],
    needsThree: true as const, // 2.7 knows no package without __init__.py by its absolute name
  })),
  {
    title: 'relative imports reach up to the working directory',
    files: {'src/lib.py': 'word = "lib"', 'src/handlers/hello.py': returns('word', 'from ..lib import word')},
    handler: 'src/handlers/hello',
    cwd: '.',
    want: 'lib',
  },
  {
    title: 'packages of any depth import relatively and by name',
    files: {
      'requirements.txt': '',
      'src/__init__.py': '',
      'src/lib.py': `${counts}word = "lib"`,
      'src/handlers/__init__.py': '',
      'src/handlers/hello.py': returns(
        '[word, src.lib is lib, os.environ["RUNS"], __name__]',
        'import os\nimport src.lib\nfrom ..lib import word\nfrom .. import lib',
      ),
    },
    handler: 'src/handlers/hello.py',
    want: ['lib', true, 'x', 'src.handlers.hello'],
  },
  {
    title: 'dependencies beside the root are found from a folder below it',
    files: {
      'package/dependency.py': 'word = "dependency"',
      'shared.py': 'word = "shared"',
      'src/hello.py': returns('[dependency.word, shared.word]', 'import dependency\nimport shared'),
    },
    handler: 'src/hello.py',
    want: ['dependency', 'shared'],
  },
  {
    title: 'a folder called like a dependency does not hide it',
    files: {
      'package/requests/__init__.py': 'word = "dependency"',
      'requests/handler.py': returns('requests.word', 'import requests'),
    },
    handler: 'requests/handler.py',
    want: 'dependency',
  },
  {
    title: 'a handler that is an __init__.py runs once',
    files: {
      'function/__init__.py': returns('[os.environ["RUNS"], __name__, word]', `${counts}from .words import word\nfrom . import words`),
      'function/words.py': 'import function\nword = "own"',
    },
    handler: 'function/__init__.py',
    want: ['x', 'function', 'own'],
  },
  {
    title: 'a handler that its package imports runs once',
    files: {
      'function/__init__.py': 'from .handler import handle',
      'function/handler.py': returns('[os.environ["RUNS"], __name__]', counts),
    },
    handler: 'function/handler.py',
    want: ['x', 'function.handler'],
  },
  {
    title: 'a handler that its neighbour imports runs once',
    files: {
      'handler.py': returns('[os.environ["RUNS"], neighbour.handler.handle is handle]', `${counts}import neighbour`),
      'neighbour.py': 'import handler',
    },
    handler: 'handler.py',
    want: ['x', true],
  },
  {
    title: 'a folder whose name is no name of a module may be a package',
    files: {
      'my-function.v2/__init__.py': '',
      'my-function.v2/word.py': 'word = "x"',
      'my-function.v2/handler.py': returns('word', 'from .word import word'),
    },
    handler: 'my-function.v2/handler.py',
    want: 'x',
  },
  ...['handler.py', '__main__.py', 'function/__main__.py'].map(handler => ({
    title: `${handler} is not told that it is the program`,
    files: {
      'function/__init__.py': '',
      [handler]: returns(
        '[__name__ == "__main__", os.path.abspath(sys.argv[0]) == os.path.abspath(__file__), len(sys.argv), sys.modules["__main__"].__file__ == __file__]',
        'import os\nimport sys\nif __name__ == "__main__":\n    raise SystemExit("run as a program")',
      ),
    },
    handler,
    want: [false, false, 1, false],
  })),
];

cases.push({
  title: 'the working directory is the core’s',
  files: {'src/handler.py': returns('os.path.samefile(os.getcwd(), os.path.join(os.path.dirname(__file__), ".."))', 'import os')},
  handler: 'src/handler.py',
  cwd: '.',
  want: true,
});

const asyncReturns = (value: string, before = '') => `${before}\nasync def handle(event, context):\n    return ${value}\n`;

for (const name of ['logging', 'asyncio', 'selectors', 'socket', 'concurrent', 'weakref', 'warnings', 'queue', 'contextvars']) {
  cases.push(
    {
      title: `an async handler beside a ${name}.py of its own is served`,
      files: {[`${name}.py`]: 'word = "own"', 'handler.py': asyncReturns('"served"')},
      handler: 'handler.py',
      want: 'served',
      needsThree: true,
    },
    {
      title: `an async handler called ${name}.py is served`,
      files: {[`${name}.py`]: asyncReturns('"served"')},
      handler: `${name}.py`,
      want: 'served',
      needsThree: true,
    },
  );
}
cases.push(
  {
    title: 'asyncio can be imported beside a logging.py, which can be imported as well',
    files: {
      'logging.py': 'word = "own"',
      'handler.py': asyncReturns('[await asyncio.sleep(0, "slept"), logging.word]', 'import asyncio\nimport logging'),
    },
    handler: 'handler.py',
    want: ['slept', 'own'],
    needsThree: true,
  },
  {
    title: 'an asyncio.py of the function is what its handler imports',
    files: {'asyncio.py': 'word = "own"', 'handler.py': asyncReturns('asyncio.word', 'import asyncio')},
    handler: 'handler.py',
    want: 'own',
    needsThree: true,
  },
);

export function pythonImportsSuite(python: Python): void {
  const check = checkOf(python);
  if (python.isThree) {
    check(`a loop that cannot be made is reported, and the bridge stays up`, async t => {
      const b = await startPython(t, python, noLoop);
      t.like(b.records[0], {loaded: false, error: 'RuntimeError: no loop today'});
      t.is((await b.call({})).status, 500);
    });
  }

  for (const {title, files, handler, cwd, want, needsThree} of cases) {
    if (needsThree && !python.isThree) continue;
    check(title, async t => {
      const folder = await functionFolder(t, files);
      const b = await startBridge(t, {
        binary: python.binary,
        bridge: pythonBridge,
        path: path.join(folder, handler),
        hop: hopOf(t),
        ...(cwd !== undefined && {cwd: path.join(folder, cwd)}),
      });
      t.like(b.records[0], {loaded: true}, causeOf(b));
      for (let i = 0; i < 2; i++) t.deepEqual(JSON.parse((await b.call({})).text), want);
    });
  }

  check(`a module that cannot be imported is reported, and the bridge stays up`, async t => {
    for (const keyword of python.isThree ? ['def', 'async def'] : ['def']) {
      const folder = await functionFolder(t, {'handler.py': `import absent\n${keyword} handle(event, context):\n    pass\n`});
      const b = await startBridge(t, {binary: python.binary, bridge: pythonBridge, path: path.join(folder, 'handler.py'), hop: hopOf(t)});
      t.like(b.records[0], {loaded: false});
      t.regex(causeOf(b), /No module named '?absent/);
      t.is((await b.call({})).status, 500);
    }
  });
}

/** It would end the process again and again. */
const noLoop = `import asyncio
class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        raise RuntimeError("no loop today")
    get_event_loop = new_event_loop
asyncio.set_event_loop_policy(Policy())
async def handle(event, context):
    pass
`;

async function functionFolder(t: ExecutionContext, files: Record<string, string>): Promise<string> {
  const folder = path.dirname(await functionFile(t, 'root.txt', ''));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.join(folder, path.dirname(name)), {recursive: true});
    await writeFile(path.join(folder, name), `${text}\n`);
  }
  return folder;
}

function causeOf(b: Bridge): string {
  return String((b.records[0] as {error?: unknown}).error ?? ''); // the report is an object
}
