import {type Bridge, functionFile} from './bridge.ts';
import type {BridgeCases} from './bridge-cases.ts';

const notLoaded =
  'Function Handler does not exist, check that you provided the right HANDLER parameter (path to your module with exported function to use)';

/** What a caller gets, and what is logged, when there is no function to call or it fails. */
export function bridgeFailuresSuite({language, textType, check, start}: BridgeCases): void {
  if (!language.compiled) {
    check('a file that is not there is reported, and every call gets the one text', async t => {
      const bridge = await start(t, 'echo', {path: '/nowhere/handler'});
      t.like(bridge.records[0], {loaded: false});
      t.regex(reportedError(bridge), /\/nowhere\/handler/);
      for (let i = 0; i < 2; i++) {
        t.like(await bridge.call({}), {status: 500, type: textType, text: notLoaded});
      }
    });

    check('a file that cannot be parsed is reported in one line, and its place is logged', async t => {
      const file = await functionFile(t, `broken.${language.extension}`, language.brokenText);
      const bridge = await start(t, 'handle', {path: file});
      t.regex(reportedError(bridge), /^SyntaxError: [^\n]+$/);
      await bridge.until(() => bridge.logs.some(({stack = ''}) => stack.includes(`broken.${language.extension}`)));
      t.is((await bridge.call({})).text, notLoaded);
    });

    check('a name that is not exported is reported', async t => {
      const bridge = await start(t, 'absent');
      t.regex(reportedError(bridge), /absent/);
      t.is((await bridge.call({})).text, notLoaded);
    });
  }

  check('a handler that throws is a 500 with the bare message, its stack is logged, and the next call is served', async t => {
    const bridge = await start(t, 'fails');
    for (let i = 0; i < 2; i++) {
      t.like(await bridge.call({}, {invocationId: 'i'}), {status: 500, type: textType, text: 'no luck – today'});
    }
    const thrown = () => bridge.logs.filter(log => log.invocationId === 'i' && log.stream === 'stderr');
    await bridge.until(() => thrown().length >= 2);
    t.is(thrown().length, 2); // one record each
    for (const {level, line, stack = ''} of thrown()) {
      t.is(level, 'error');
      t.true(line.includes('no luck – today'), line);
      t.true(stack.includes('no luck – today') && stack.includes(`handlers.${language.extension}`), stack);
      t.notRegex(stack, /[/\\]bridge\.(cjs|py|php)/);
    }
  });

  check('a result that is not JSON is a 500 that says so', async t => {
    const bridge = await start(t, 'unserialisable');
    const reply = await bridge.call({});
    t.is(reply.status, 500);
    t.regex(
      reply.text,
      language.compiled ? /^The result of the function is not JSON: ./ : /^The result of the function is not JSON: .*circular/i,
    );
  });
}

function reportedError(bridge: Bridge): string {
  const report = bridge.records[0] as {error?: unknown}; // checked right here
  return typeof report.error === 'string' ? report.error : '';
}
