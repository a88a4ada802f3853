import path from 'node:path';
import {systemClock} from '../clock.ts';
import {type Caller, isJson} from './caller.ts';
import type {CommonCase, HttpCase} from './case.ts';
import {same, sameJson} from './expect.ts';

const notLoaded = 'Function Handler does not exist';
const slowMs = 1500;

/** What our own bridges do beyond the minimum of the protocol. A sub-runtime without it works, with less comfort. */
export const recommendedCases: readonly (CommonCase | HttpCase)[] = [
  {
    title: 'a result says application/json, so that a text is never taken for an envelope',
    over: 'http',
    async run(sub) {
      const reply = await sub.call({do: 'return', value: '{"statusCode":500}'});
      same({json: isJson(reply)}, {json: true});
      sameJson(reply.body.toString('utf8'), '{"statusCode":500}');
    },
  },
  {
    title: 'a reply has a length or chunks',
    over: 'http',
    run: async sub => same({framed: (await sub.call({do: 'return', value: 1})).framed}, {framed: true}),
  },
  {
    title: 'an error is the bare message',
    run: async sub => same((await sub.call({do: 'throw', message: 'no luck'})).body.toString('utf8').trim(), 'no luck'),
  },
  {
    title: 'a header is found by its lower-case name too',
    run: async sub => same(await sub.text({do: 'header', name: 'x-conform'}), 'yes'),
  },
  {
    title: 'a request that is not JSON is refused, and the next call is served',
    over: 'http',
    async run(sub) {
      const {status} = await sub.send('{"event":');
      same({refused: status >= 400 && status <= 499}, {refused: true});
      same(await sub.text({do: 'return', value: 'still here'}), 'still here');
    },
  },
  {
    title: 'a call without the token is refused',
    over: 'http',
    async run(sub) {
      const {status} = await sub.callAsStranger({do: 'nothing'});
      same({refused: status >= 400 && status <= 499}, {refused: true});
    },
  },
  {
    title: 'a path in the request is not loaded',
    over: 'http',
    loads: true,
    run: async sub => same(await sub.text({do: 'return', value: 'mine'}, {handlerPath: '/nowhere/else'}), 'mine'),
  },
  {
    title: 'a line that a call prints is reported with its invocation id',
    async run(sub) {
      await sub.returns({do: 'print', line: 'a line of mine'}, {invocationId: 'who-prints'});
      await systemClock.sleep(200); // lines take another way than the reply
      const line = sub.lines.find(each => each.line.includes('a line of mine'));
      same({reported: line !== undefined, invocationId: line?.invocationId}, {reported: true, invocationId: 'who-prints'});
    },
  },
  {
    title: 'loading is reported on the descriptor',
    over: 'http',
    run: async (sub, start) => same((await start(reporting(sub))).loadError, undefined),
  },
  {
    title: 'a handler that is not there is reported',
    loads: true,
    async run(sub, start) {
      const {loadError} = await start({...reporting(sub), handlerPath: missing});
      same({toldWhy: loadError !== undefined && loadError !== ''}, {toldWhy: true});
    },
  },
  {
    title: 'a handler that is not there is status 500 with the one text, on every call',
    loads: true,
    async run(_sub, start) {
      const own = await start({handlerPath: missing});
      for (let i = 0; i < 2; i++) {
        const {status, body} = await own.call({do: 'nothing'});
        same({status, text: body.toString('utf8').slice(0, notLoaded.length)}, {status: 500, text: notLoaded});
      }
    },
  },
  {
    title: 'a call in flight is finished after TERM',
    async run(_sub, start) {
      const own = await start();
      await own.returns({do: 'nothing'}); // so that what is loaded late has been loaded
      const slow = own.text({do: 'slow', ms: slowMs});
      await systemClock.sleep(slowMs / 3);
      const [text] = await Promise.all([slow, own.stop()]);
      same(text, 'slow');
    },
  },
];

const missing = path.resolve('/nowhere/handler');

/** Requires a report, and waits for it no longer than this sub-runtime could need, as another may never report. */
function reporting({bootMs}: Caller) {
  return {readiness: 'report', startMs: 2000 + 3 * bootMs} as const;
}
