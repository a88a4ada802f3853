import {eachHop} from '../helpers/node-bridge.ts';

// Bodies that are made piece by piece. A caller that wants the reply whole gets it whole.

const sources: Record<string, string> = {
  'a Readable': "require('node:stream').Readable.from(['hé', 'llo'])",
  'a ReadableStream': "new ReadableStream({start(c) { c.enqueue('hé'); c.enqueue('llo'); c.close(); }})",
  'an async generator': "(async function* () { yield 'hé'; await null; yield ''; yield 'llo'; })()",
  'a generator': "(function* () { yield 'hé'; yield 'llo'; })()",
  'an async iterable': "{async *[Symbol.asyncIterator]() { yield 'hé'; yield 'llo'; }}",
  'an async iterable with members': "new (class Cursor { at = 0; async *[Symbol.asyncIterator]() { yield 'hé'; yield 'llo'; } })()",
  'a stream without an iterator': `(() => {
    const {Readable} = require('node:stream');
    const stream = new Readable({encoding: 'utf8', read() { this.push('héllo'); this.push(null); }});
    return Object.defineProperty(stream, Symbol.asyncIterator, {value: undefined});
  })()`,
};

eachHop(({check, startText}) => {
  for (const [kind, expression] of Object.entries(sources)) {
    check(`${kind} is read, as the result and as the body`, async t => {
      const b = await startText(t, `exports.handle = event => event === 'whole' ? ${expression} : {statusCode: 201, body: ${expression}};`);
      t.is(JSON.parse((await b.call('whole')).text), 'héllo');
      t.deepEqual(JSON.parse((await b.call('body')).text), {statusCode: 201, body: 'héllo'});
    });
  }

  check('a piece that is neither text nor bytes, or an error before the first piece, is a 500', async t => {
    const b = await startText(
      t,
      `exports.handle = event => ({
        number: async function* () { yield 7; },
        object: function* () { yield {}; },
        map: async function* () { yield new Map(); },
        error: async function* () { throw new Error('no luck'); },
      })[event]();`,
    );
    const wrong = 'A piece of a streamed body must be a text or bytes, not';
    t.like(await b.call('number'), {status: 500, text: `${wrong} a value of type number`});
    t.like(await b.call('object'), {status: 500, text: `${wrong} an Object`});
    t.like(await b.call('map'), {status: 500, text: `${wrong} a Map`});
    t.like(await b.call('error'), {status: 500, text: 'no luck'});
  });

  check('a character that is cut in two is whole, and bytes stay bytes', async t => {
    const b = await startText(
      t,
      `exports.handle = event => event === 'text' ? (function* () { yield 'a\\ud83d'; yield '\\udc0eb'; })()
        : (function* () { yield Buffer.of(0xff); yield Uint8Array.of(0).buffer; })();`,
    );
    t.is(JSON.parse((await b.call('text')).text), 'a🐎b');
    t.deepEqual(JSON.parse((await b.call('bytes')).text), {body: '/wA=', isBase64Encoded: true});
  });

  check('what is printed while pieces are made belongs to the call', async t => {
    const b = await startText(t, "exports.handle = async () => (async function* () { await null; console.log('made'); yield 'a'; })();");
    await b.call({}, {invocationId: 'i'});
    await b.until(() => b.logs.some(({line, invocationId}) => line === 'made' && invocationId === 'i'));
    t.pass();
  });
});
