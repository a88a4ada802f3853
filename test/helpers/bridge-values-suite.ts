import type {BridgeCases} from './bridge-cases.ts';

/** How an event and a context come to the function, and its result goes back. */
export function bridgeValuesSuite({language, check, start}: BridgeCases): void {
  check('a value is its JSON text, with type and length', async t => {
    const bridge = await start(t, 'items');
    t.deepEqual(await bridge.call({}), {status: 200, type: 'application/json', length: '14', text: '[1,"two",null]'});
  });

  check('a text is a JSON string', async t => {
    const bridge = await start(t, 'text');
    t.is((await bridge.call({})).text, '"two words"');
  });

  check('nothing is an empty body', async t => {
    const bridge = await start(t, 'nothing');
    t.like(await bridge.call({}), {status: 200, length: '0', text: ''});
  });

  check('bytes become base64, as the result and as the body of an envelope', async t => {
    const whole = await start(t, 'binary');
    t.deepEqual(JSON.parse((await whole.call({})).text), {body: 'AP+A', isBase64Encoded: true});
    const body = await start(t, 'binary_body');
    t.deepEqual(JSON.parse((await body.call({})).text), {statusCode: 201, body: 'AP+A', isBase64Encoded: true});
  });

  check('text of any script, half surrogates too, survives both ways', async t => {
    const bridge = await start(t, 'echo');
    const event = {isBase64Encoded: false, body: 'žluťoučký 🐎 \u0000 \u2028', '🗝': ['"\\']};
    t.deepEqual(JSON.parse((await bridge.call(event)).text), event);
    t.is((await bridge.call('\ud800')).status, 200);
  });

  check('a nested name is found, and what the request names is ignored', async t => {
    const bridge = await start(t, 'nested.deep.echo', {path: `${language.handlers}.${language.extension}`});
    t.is((await bridge.call('deep')).text, '"deep"');
  });

  check('headers are found in either case and listed in Title-Case', async t => {
    const bridge = await start(t, 'headers');
    const headers = JSON.parse('{"Content-Type": "text/plain", "Constructor": "odd", "__proto__": "odder"}');
    const event = {headers, multiValueHeaders: {'Content-Type': ['text/plain', 'x']}};
    t.deepEqual(JSON.parse((await bridge.call(event)).text), {
      lower: 'text/plain',
      title: 'text/plain',
      has: true,
      lowerValues: ['text/plain', 'x'],
      odd: 'odd',
      names: Object.keys(headers).sort(),
      headers,
    });
  });

  check('the context has the members sent and the time that is left', async t => {
    const bridge = await start(t, 'describe');
    const context = {functionName: 'f', invocationId: 'i', deadlineMs: Date.now() + 60_000};
    const seen = JSON.parse((await bridge.call({}, context)).text);
    t.deepEqual(seen.context, context);
    t.deepEqual(seen.names, Object.keys(context).sort());
    t.true(seen.remaining > 30_000 && seen.remaining <= 60_000, String(seen.remaining));
  });

  check('a large body comes and goes whole', async t => {
    const bridge = await start(t, 'echo');
    const text = 'žluť'.repeat(1_500_000);
    const reply = await bridge.call(text);
    t.true(JSON.parse(reply.text) === text); // showing the difference would take minutes
  });
}
