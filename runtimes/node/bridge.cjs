// biome-ignore-all lint/style/useNodejsImportProtocol: Node 8 does not know the node: prefix
// biome-ignore-all lint/complexity/useOptionalChain: Node 8 cannot parse it
'use strict';

/*
The Node bridge: loads one handler and calls it for the core: with frames on the descriptor CORE_CALLS_FD, or, without
one, for each POST / to 127.0.0.1:$SCW_UPSTREAM_PORT. One file, no dependencies, in syntax that Node 8 parses. README.md
lists what it promises.
*/

const childProcess = require('child_process');
const fs = require('fs');
const net = require('net');
const path = require('path');
const {performance} = require('perf_hooks');
const {StringDecoder} = require('string_decoder');

const NOT_LOADED =
  'Function Handler does not exist, check that you provided the right HANDLER parameter ' +
  '(path to your module with exported function to use)';
const RUNTIME = `Node.js ${process.versions.node}`;
const DEFAULT_NAME = 'handle';
const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain; charset=utf-8';
const SWEEP_MS = 250;
const HOOKS_MS = 2000;
const LINE_MAX_CHARS = 65536;
const TITLE_MAX_CHARS = 8192;
const FRAME = /^\s+at /;
const CAUSES_MAX = 4;
const MODULES_MAX = 20;
const CHANNEL_MAX_BYTES = 8 * 1024 * 1024;
/** So many looks a second without a call, and the process rests. */
const RESTS = 5;

const settings = takeSettings(process.env);
const channel = openChannel(settings.fd);
const invocations = channel === null ? null : openInvocationScope();
const writeStderr = process.stderr.write.bind(process.stderr);

/** Loaded once, before the first request. Null answers every call with NOT_LOADED. */
let handler = null;
/** A handler that reads a third argument may return nothing and call back later. */
let takesCallback = false;
/** A handler that takes a WHATWG Request in place of an event: its body is given as bytes. */
let takesRequest = false;
let handlerFile = '';
/** Called once SIGTERM came: nothing serves yet. */
let onAsked = () => process.exit(0);
let isAsked = false;
let stopping = false;
/** Requests so far. */
let calls = 0;
let strays = 0;

function start() {
  if (isCopy()) return runAlone();
  keepListeners();
  if (invocations !== null) tagOutput();
  loadOrEnd(() => loadHandler(settings.handlerPath, settings.handlerName)).then(
    loaded => {
      handler = loaded;
      serve({loaded: true, runtime: RUNTIME});
    },
    error => {
      const advice = adviceOn(error);
      const story = placeOf(error) + withAdvice(stackOf(error), error, advice);
      serve({loaded: false, error: causeOf(error, story) + advice, runtime: RUNTIME}, () =>
        logError(undefined, 'core-bridge: cannot load the handler: ', error, story, advice),
      );
    },
  );
}

/** A worker of the function's cluster, or a thread, can be this program once more. */
function isCopy() {
  if (typeof process.send === 'function' && require('cluster').isWorker) return true;
  try {
    return !require('worker_threads').isMainThread;
  } catch (_) {
    return false; // before Node 10.5 threads do not exist
  }
}

/** Runs the handler's file as Node would run it, and serves nobody. */
function runAlone() {
  loadModule(locate(path.resolve(settings.handlerPath))).catch(error => {
    setImmediate(() => {
      throw error;
    });
  });
}

// Signals and stray errors -----------------------------------------------------------------------------------------

/** The bridge's own listeners on the process. */
const kept = new Map([
  ['uncaughtException', onUncaught],
  ['unhandledRejection', onRejection],
  ['SIGTERM', onTerm],
]);

/** The function may add listeners of its own, and remove all of them: the bridge's stay, in front, so that one that throws hides none. */
function keepListeners() {
  process.on('newListener', (name, listener) => {
    if (kept.has(name) && kept.get(name) !== listener) process.nextTick(toFront, name); // the new one is added after this event
  });
  process.on('removeListener', (name, listener) => {
    if (kept.get(name) === listener && !isMoving) process.prependListener(name, listener);
  });
  for (const name of ['uncaughtException', 'unhandledRejection']) toFront(name);
}

let isMoving = false;

function toFront(name) {
  isMoving = true;
  process.removeListener(name, kept.get(name));
  process.prependListener(name, kept.get(name));
  isMoving = false;
}

function onRejection(reason) {
  stray('unhandled rejection', reason, currentInvocation());
}

/** True once SIGTERM came to hooks of the function; a hook may be there once only. */
let isHooked = false;

const hasHooks = () => process.listenerCount('SIGTERM') > 1;

/** The hooks of the function run first. */
function onTerm() {
  if (hasHooks()) isHooked = true;
  if (isAsked) return;
  isAsked = true;
  setImmediate(() => onAsked());
}

/** Ends the process, once what calls began with waitUntil() is over. */
function leave() {
  if (background.size === 0) return leaveNow();
  const hold = setInterval(() => {}, 0x7fffffff);
  Promise.all([...background]).then(() => {
    clearInterval(hold);
    leave();
  });
}

/** Hooks of the function on SIGTERM run before; then they have until nothing is left to do, or 2 s. */
function leaveNow() {
  if (!isHooked && !hasHooks()) return exit();
  let isWaiting = true;
  const wait = () => {
    if (!isWaiting) return;
    isWaiting = false;
    process.on('beforeExit', exit);
    setTimeout(exit, HOOKS_MS).unref();
  };
  if (isAsked) return wait();
  onAsked = wait; // the core's SIGTERM comes right behind the end of the channel
  setTimeout(wait, HOOKS_MS);
}

function exit() {
  process.removeListener('beforeExit', exit);
  if (channel === null) process.exit(0);
  else channel.end(() => process.exit(0));
}

// Settings ---------------------------------------------------------------------------------------------------------

/** Reads the environment. The bridge's own names are gone before user code can see them. */
function takeSettings(env) {
  const taken = {
    port: Number(env.SCW_UPSTREAM_PORT),
    handlerPath: env.SCW_HANDLER_PATH || '',
    handlerName: env.SCW_HANDLER_NAME || DEFAULT_NAME,
    token: env.CORE_BRIDGE_TOKEN || '',
    fd: env.CORE_BRIDGE_FD ? Number(env.CORE_BRIDGE_FD) : -1,
    callsFd: env.CORE_CALLS_FD ? Number(env.CORE_CALLS_FD) : -1,
    garbageBytes: Number(env.CORE_GARBAGE_BYTES) || Infinity,
    /** The handler reads bodies from its context. */
    streamsBodies: env.CORE_REQUEST_BODY === 'stream',
    // A JSON escape makes one byte six; the rest of the event has room beside it.
    maxBytes: 6 * (Number(env.SCW_PAYLOAD_MAX_SIZE) || 6291456) + 8 * 1024 * 1024,
  };
  delete env.CORE_BRIDGE_TOKEN;
  delete env.CORE_BRIDGE_FD;
  delete env.CORE_CALLS_FD;
  delete env.CORE_GARBAGE_BYTES;
  return taken;
}

// Loading ----------------------------------------------------------------------------------------------------------

/** A module that waits for nothing would end the process, and another one the same way. */
async function loadOrEnd(load) {
  let onIdle;
  const idle = new Promise((_, reject) => {
    onIdle = () => reject(new Error('nothing was left to wait for while the handler was loaded'));
  });
  process.on('beforeExit', onIdle);
  try {
    return await Promise.race([load(), idle]);
  } finally {
    process.removeListener('beforeExit', onIdle);
  }
}

async function loadHandler(handlerPath, handlerName) {
  if (handlerPath === '') throw new Error('SCW_HANDLER_PATH is not set');
  const file = locate(path.resolve(handlerPath));
  handlerFile = file;
  const exported = await loadModule(file);
  const fetcher = pickFetcher(exported, handlerName);
  if (fetcher !== undefined) return handlerOf(fetcher);
  const found = pick(exported, handlerName);
  if (found === undefined) {
    throw new Error(`${file} has no exported function named ${JSON.stringify(handlerName)}; it exports ${functionsOf(exported)}`);
  }
  const [method, owner] = found;
  takesCallback = method.length >= 3 || readsThird(Function.prototype.toString.call(method));
  // It may be a method: of an object, of a class's instance that is the module, or of the exports.
  return method.bind(owner);
}

function functionsOf(exported) {
  if (typeof exported === 'function') return 'one function without a name';
  const names = Object.keys(Object(exported)).filter(name => typeof exported[name] === 'function');
  return names.length === 0 ? 'none' : names.slice(0, 10).join(', ');
}

/** The path as it stands, completed the way require() does, then by the extensions require() does not know. */
function locate(wanted) {
  try {
    return require.resolve(wanted);
  } catch (error) {
    for (const extension of ['.mjs', '.cjs', '.ts', '.mts', '.cts']) {
      if (fs.existsSync(wanted + extension)) return wanted + extension;
    }
    throw new Error(`no handler file at ${wanted}: ${causeOf(error, '')}`);
  }
}

async function loadModule(file) {
  if (/\.(mjs|mts|ts)$/.test(file)) return importModule(file);
  try {
    return require(file);
  } catch (error) {
    // "type": "module" where require() cannot load it, or a module with top-level await.
    if (error && (error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_REQUIRE_ASYNC_MODULE')) {
      return importModule(file);
    }
    throw error;
  }
}

/** Built at run time: Node 8 cannot parse import(). */
function importModule(file) {
  return new Function('url', 'return import(url)')(require('url').pathToFileURL(file).href);
}

/** exports[name], then exports.default[name], then the default export itself when that is the name asked for; and its owner. */
function pick(exported, name) {
  const direct = member(exported, name);
  if (direct !== undefined) return direct;
  return exported == null ? undefined : member(exported.default, name);
}

/**
The object whose `fetch` takes a Request: what has the name, the default export, or the module itself. A function that is
exported by the name takes events, whatever stands beside it: published functions are called so.
*/
function pickFetcher(exported, name) {
  if (exported == null || member(exported, name) !== undefined) return undefined;
  if (hasFetch(exported[name])) return exported[name];
  const isMeant = name === DEFAULT_NAME || name === 'fetch' || member(exported.default, name) === undefined;
  if (hasFetch(exported.default) && isMeant) return exported.default;
  return hasFetch(exported) && member(exported.default, name) === undefined ? exported : undefined;
}

function hasFetch(value) {
  return value !== null && typeof value === 'object' && typeof value.fetch === 'function';
}

function member(owner, name) {
  if (owner == null) return undefined;
  const names = typeof owner[name] === 'function' ? [name] : name.split('.');
  let parent = owner;
  for (const step of names.slice(0, -1)) {
    parent = parent[step];
    if (parent == null) return undefined;
  }
  const found = parent[names[names.length - 1]];
  return typeof found === 'function' ? [found, parent] : undefined;
}

// Whether a handler takes a callback -------------------------------------------------------------------------------

/*
`length` counts no parameter from the first default on, and no rest. So the text of the function is read: a third parameter
takes the callback; so does a third element of a rest or of `arguments`, as far as the text shows that it is read.
*/
function readsThird(source) {
  const text = withoutTexts(source);
  const open = startOfParameters(text);
  if (open === -1) return false; // event => …
  const close = endOfBracket(text, open);
  const parameters = splitList(text.slice(open + 1, close));
  const last = parameters[parameters.length - 1] || '';
  const rest = last.startsWith('...') ? last.slice(3).trim() : '';
  const named = rest === '' ? parameters.length : parameters.length - 1;
  if (named >= 3) return true;
  const body = text.slice(close + 1);
  if (rest.startsWith('[') && splitList(rest.slice(1, endOfBracket(rest, 0))).length > 2 - named) return true;
  if (/^[\w$]+$/.test(rest) && readsElement(body, rest, 2 - named)) return true;
  return !/^\s*=>/.test(body) && readsElement(body, 'arguments', 2);
}

/** `list[2]`, `list[list.length - 1]`, `list.at(-1)`, `list.pop()` or `[a, b, c] = list`. */
function readsElement(body, list, index) {
  const name = list.replace(/\$/g, '\\$&');
  const own = `(?:^|[^\\w$.])${name}\\s*`;
  const last = `${name}\\s*\\.\\s*length\\s*-\\s*1`;
  const reads = `\\[\\s*(?:${index}|${last})\\s*\\]|\\.\\s*pop\\s*\\(|\\.\\s*at\\s*\\(\\s*(?:${index}|-\\s*1)\\s*\\)`;
  if (new RegExp(`${own}(?:${reads})`).test(body)) return true;
  const patterns = body.match(new RegExp(`\\[[^\\[\\]]*\\]\\s*=\\s*${name}(?![\\w$.([])`, 'g')) || [];
  return patterns.some(pattern => splitList(pattern.slice(1, pattern.lastIndexOf(']'))).length > index);
}

/** Where the parameters begin; -1 for an arrow function with one that has no parentheses. */
function startOfParameters(text) {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') return at;
    if (text[at] === '=' && text[at + 1] === '>') return -1;
    if (text[at] === '[') at = endOfBracket(text, at); // the computed name of a method
  }
  return -1;
}

function endOfBracket(text, from) {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if ('([{'.includes(text[at])) depth++;
    else if (')]}'.includes(text[at]) && --depth === 0) return at;
  }
  return text.length;
}

/** Splits at the commas that stand in no bracket; nothing may stand behind the last. */
function splitList(text) {
  const parts = [];
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    if ('([{'.includes(text[at] || ' ')) at = endOfBracket(text, at);
    else if (at === text.length || text[at] === ',') {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  if (parts[parts.length - 1] === '') parts.pop();
  return parts;
}

/** Without comments, and with a 0 for each text and template. */
function withoutTexts(source) {
  const tokens = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`/g;
  let text = '';
  let from = 0;
  for (let token = tokens.exec(source); token !== null; token = tokens.exec(source)) {
    text += source.slice(from, token.index) + (token[0][0] === '/' ? ' ' : '0');
    from = token[0] === '`' ? endOfTemplate(source, token.index) : tokens.lastIndex;
    tokens.lastIndex = from;
  }
  return text + source.slice(from);
}

/** Behind the closing backtick; a template may hold expressions, and these templates. */
function endOfTemplate(source, from) {
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === '`') return at + 1;
    else if (source[at] === '$' && source[at + 1] === '{') at = endOfExpression(source, at + 1);
  }
  return source.length;
}

function endOfExpression(source, from) {
  let depth = 0;
  for (let at = from; at < source.length; at++) {
    if (source[at] === '`') at = endOfTemplate(source, at) - 1;
    else if (source[at] === '{') depth++;
    else if (source[at] === '}' && --depth === 0) return at;
  }
  return source.length;
}

// Serving ----------------------------------------------------------------------------------------------------------

/** @param told called when the report has been written, the first record */
function serve(report, told = () => {}) {
  toFront('SIGTERM');
  if (settings.callsFd >= 0) serveFrames(report, told);
  else serveHttp(report, told);
}

/*
A service manager sends SIGTERM to every process at once, and the core may still have calls: they are served. The core
lets go of the bridge right before a SIGTERM of its own. Without that the process ends once it has rested for a second.
*/
function untilRested(isBusy, stop) {
  let seen = calls;
  let rests = 0;
  const timer = setInterval(() => {
    rests = calls !== seen || isBusy() ? 0 : rests + 1;
    seen = calls;
    if (rests === RESTS) done();
  }, 1000 / RESTS);
  const done = () => {
    clearInterval(timer);
    if (!stopping) stop();
  };
  return done;
}

// Frames on the channel --------------------------------------------------------------------------------------------

/** What the frames are is said in runtimes/README.md, "The channel". */
const CALL = 1;
const BODY = 2;
const CANCEL = 3;
const CREDIT = 4;
const PING = 5;
const RESULT = 17;
const DATA = 18;
const END = 19;
const FAILED = 20;
const PONG = 21;

const HEAD_BYTES = 9;
/** The form, and the lengths of JSON and body, with which a CALL and a RESULT begin. */
const RUN_HEAD_BYTES = 9;
const PIECE_BYTES = 65536;
const WINDOW_BYTES = 262144;
const MESSAGE_MAX_BYTES = 65536;
const UNKNOWN_BYTES = 0xffffffff;
const READ_BYTES = 65536;
/** Long replies wait while the core has so much to read. */
const UNREAD_MAX_BYTES = 262144;
/** Frames that were written stand here until the turn ends. Room in it is used again only after its bytes have been sent. */
const OUT_BYTES = 65536;
/** A text takes at most three bytes for each of its characters. */
const SHORT_CHARS = Math.floor((OUT_BYTES - HEAD_BYTES - RUN_HEAD_BYTES) / 3);
/** A turn that lasts longer ends early, and its replies leave one by one. */
const TURN_MS = 2;
/** Of a stream, a frame is written where those of the turn stand. */
const FLOW_BYTES = OUT_BYTES - HEAD_BYTES;
/** So much of a body was read at least before there is credit for as much again. */
const FEED_BYTES = 65536;
/** So much of its first piece tells what type it is. */
const FIRST_BYTES = 4096;
/** So long a stream that nobody wants may take to clean up. */
const STOP_MS = 250;
const EMPTY = Buffer.alloc(0);
/** Where memory is scarce so many calls begin in a turn of the event loop: only behind it their results are known. */
const TURN_CALLS = 2;

function serveFrames(report, told) {
  const served = new Calls(settings.callsFd, () => {
    served.dropHalves();
    done();
  });
  let done = stop;
  onAsked = () => {
    if (!stopping) done = untilRested(() => served.isBusy, stop);
  };
  if (channel !== null) channel.write(Object.assign({}, report, {calls: 1, bodies: true}));
  told();

  function stop() {
    stopping = true;
    served.end(leave);
  }
}

/** The bridge's end of the channel: reads calls, writes replies. */
class Calls {
  /** @param onLetGo called when the core has ended its side */
  constructor(fd, onLetGo) {
    /** The header of a frame whose rest has not come yet. */
    this.head = Buffer.alloc(HEAD_BYTES);
    this.headBytes = 0;
    /** A frame that comes in pieces: how many of its bytes are still to come, and where they go; null: nowhere. */
    this.left = 0;
    this.target = null;
    this.at = 0;
    this.type = 0;
    this.number = 0;
    /** Calls whose body is still coming, that run, and whose reply is still leaving. */
    this.coming = new Map();
    this.running = new Map();
    this.leaving = new Map();
    this.leavingBytes = 0;
    /** Bodies that leave as they are made. */
    this.flows = new Map();
    /** Bodies of calls that come as they are read. */
    this.feeds = new Map();
    /** Calls that wait, where memory is scarce: long replies have to leave before. */
    this.held = [];
    this.begun = 0;
    this.isTurning = false;
    /** Replies that may be sent now, in turn. */
    this.turns = [];
    this.out = Buffer.allocUnsafeSlow(OUT_BYTES);
    this.flushed = 0;
    this.written = 0;
    this.isScheduled = false;
    /** When frames came last, in milliseconds. */
    this.turnAt = 0;
    this.flush = () => this.flushNow();
    this.goOn = rest => {
      if (this.receive(rest.length, rest)) this.socket.resume();
    };
    this.onRested = null;
    this.socket = openStream(fd, (size, bytes) => this.receive(size, bytes), onLetGo);
    this.socket.on('drain', () => {
      this.pump();
      for (const flow of this.flows.values()) flow.wake();
    });
  }

  get isBusy() {
    return this.coming.size + this.running.size + this.leaving.size + this.held.length > 0;
  }

  /** Ends this side as soon as no call is open. */
  end(done) {
    const hold = setInterval(() => {}, 0x7fffffff); // nothing else may keep the process while a call waits
    this.onRested = () => {
      this.onRested = null;
      clearInterval(hold);
      this.flushNow();
      this.socket.end(done);
    };
    if (!this.isBusy) this.onRested();
  }

  // What comes

  /** @returns false when handlers compute: the rest waits for the next turn, so that the replies until then can leave */
  receive(size, bytes) {
    this.turnAt = performance.now();
    let at = 0;
    while (at < size) {
      if (at > 0 && performance.now() - this.turnAt > TURN_MS) {
        setImmediate(this.goOn, Buffer.from(bytes.slice(at, size)));
        return false;
      }
      if (this.left > 0) at = this.takePiece(bytes, at, size);
      else if (this.headBytes > 0 || size - at < HEAD_BYTES) at = this.takeHead(bytes, at, size);
      else {
        const length = readUint(bytes, at);
        const end = at + HEAD_BYTES + length;
        if (end <= size) this.take(bytes[at + 4], readUint(bytes, at + 5), bytes, at + HEAD_BYTES, end);
        else this.await(bytes[at + 4], readUint(bytes, at + 5), length);
        at = end <= size ? end : at + HEAD_BYTES;
      }
    }
    return true;
  }

  takeHead(bytes, from, size) {
    const end = Math.min(size, from + HEAD_BYTES - this.headBytes);
    bytes.copy(this.head, this.headBytes, from, end);
    this.headBytes += end - from;
    if (this.headBytes < HEAD_BYTES) return end;
    this.headBytes = 0;
    const length = readUint(this.head, 0);
    if (length > 0) this.await(this.head[4], readUint(this.head, 5), length);
    else this.take(this.head[4], readUint(this.head, 5), EMPTY, 0, 0);
    return end;
  }

  /** A frame comes in pieces: those of a body go where they belong, and unknown ones nowhere. */
  await(type, number, length) {
    this.type = type;
    this.number = number;
    this.left = length;
    this.at = 0;
    const call = type === BODY ? this.coming.get(number) : undefined;
    if (call !== undefined && call.filled + length <= call.bytes.length) {
      this.target = call.bytes;
      this.at = call.filled;
    } else this.target = type <= PING && (type !== BODY || this.feeds.has(number)) ? Buffer.allocUnsafe(length) : null;
  }

  takePiece(bytes, from, size) {
    const end = Math.min(size, from + this.left);
    if (this.target !== null) bytes.copy(this.target, this.at, from, end);
    this.at += end - from;
    this.left -= end - from;
    if (this.left > 0) return end;
    const {target} = this;
    this.target = null;
    if (target === null) return end;
    if (this.type === BODY && this.coming.has(this.number)) this.fill(this.coming.get(this.number), this.at);
    else this.take(this.type, this.number, target, 0, target.length);
    return end;
  }

  /** A whole frame; its payload is from `at` to `end`. */
  take(type, number, bytes, at, end) {
    if (type === CALL) this.begin(number, bytes, at, end);
    else if (type === BODY) {
      const call = this.coming.get(number);
      if (call === undefined) return this.feed(number, bytes, at, end);
      this.fill(call, call.filled + bytes.copy(call.bytes, call.filled, at, end));
    } else if (type === CANCEL) this.cancel(number);
    else if (type === CREDIT) this.credit(number, readUint(bytes, at));
    else if (type === PING) this.write(PONG, 0);
  }

  begin(number, bytes, at, end) {
    calls += 1;
    const form = bytes[at];
    const jsonBytes = readUint(bytes, at + 1);
    const bodyBytes = readUint(bytes, at + 5);
    const isOpen = bodyBytes === UNKNOWN_BYTES;
    const allBytes = isOpen ? jsonBytes : jsonBytes + bodyBytes;
    const start = at + RUN_HEAD_BYTES;
    if (isOpen) this.feeds.set(number, new Feed(read => this.writeCredit(number, read)));
    if (end - start === allBytes) return this.run(number, form, bytes, start, start + jsonBytes, end);
    if (allBytes > settings.maxBytes) return this.fail(number, 'The request is too large for the bridge');
    spend(allBytes);
    const call = {number, form, jsonBytes, bytes: Buffer.allocUnsafeSlow(allBytes), filled: 0};
    bytes.copy(call.bytes, 0, start, end);
    call.filled = end - start;
    this.coming.set(number, call);
  }

  /** More of a body that is read as it comes; nothing more, and it is whole. That of a call that is over is skipped. */
  feed(number, bytes, at, end) {
    const feed = this.feeds.get(number);
    if (feed !== undefined) feed.take(at === end ? null : Buffer.from(bytes.slice(at, end)));
  }

  fill(call, filled) {
    call.filled = filled;
    if (filled < call.bytes.length) return;
    this.coming.delete(call.number);
    this.run(call.number, call.form, call.bytes, 0, call.jsonBytes, filled);
  }

  /** The call is whole: JSON and body lie one behind the other. */
  run(number, form, bytes, at, bodyAt, end) {
    if (handler === null) return this.fail(number, NOT_LOADED);
    if (settings.garbageBytes === Infinity) return this.runNow(number, form, bytes, at, bodyAt, end);
    if (this.held.length === 0 && this.mayBegin) {
      this.begun++;
      this.turn();
      return this.runNow(number, form, bytes, at, bodyAt, end);
    }
    this.held.push({number, form, bytes: Buffer.from(bytes.slice(at, end)), bodyAt: bodyAt - at});
    this.turn();
  }

  get mayBegin() {
    return this.begun < TURN_CALLS && this.leavingBytes < settings.garbageBytes;
  }

  /** Lets more calls begin in the next turn of the event loop, unless long replies have to leave before. */
  turn() {
    if (this.isTurning) return;
    this.isTurning = true;
    setImmediate(() => {
      this.isTurning = false;
      this.begun = 0;
      this.turnAt = performance.now();
      while (this.held.length > 0 && this.mayBegin) {
        const {number, form, bytes, bodyAt} = this.held.shift();
        this.begun++;
        this.runNow(number, form, bytes, 0, bodyAt, bytes.length);
      }
      if (this.begun > 0) this.turn();
    });
  }

  runNow(number, form, bytes, at, bodyAt, end) {
    let event;
    let context;
    let target;
    try {
      const call = JSON.parse(bytes.toString('utf8', at, bodyAt));
      event = call.event;
      context = call.context;
      target = call.target;
      if (event !== null && typeof event === 'object' && !this.feeds.has(number)) {
        if (takesRequest && form < 2) event.body = Buffer.from(bytes.slice(bodyAt, end));
        else event.body = form === 1 ? bytes.toString('base64', bodyAt, end) : bodyAt === end ? '' : bytes.toString('utf8', bodyAt, end);
        event.isBase64Encoded = form > 0;
      }
    } catch (error) {
      return this.fail(number, `The call is not JSON: ${error.message}`);
    }
    invoke(this, number, event, context, target, this.feeds.get(number));
  }

  cancel(number) {
    const invocation = this.running.get(number);
    this.endFeed(number, 'The request ended before it was complete');
    if (invocation !== undefined) {
      invocation.isLeft = true;
      const tell = invocation.onHangUp;
      invocation.onHangUp = null;
      if (tell !== null) tell();
      const flow = this.flows.get(number);
      if (flow !== undefined) this.stopFlow(invocation, flow);
    } else if (this.coming.delete(number) || this.gone(number) || this.drop(number)) {
      this.turns = this.turns.filter(reply => reply.number !== number);
      this.write(END, number);
      this.rest();
    }
  }

  /** A long reply has left, or nobody wants it. @returns false when there is none */
  gone(number) {
    const reply = this.leaving.get(number);
    if (reply === undefined) return false;
    this.leaving.delete(number);
    this.leavingBytes -= reply.size;
    if (this.held.length > 0) this.turn();
    return true;
  }

  /** Forgets a call that has not begun. @returns false when there is none */
  drop(number) {
    const at = this.held.findIndex(call => call.number === number);
    if (at !== -1) this.held.splice(at, 1);
    return at !== -1;
  }

  credit(number, bytes) {
    const flow = this.flows.get(number);
    if (flow !== undefined) {
      flow.credit += bytes;
      flow.wake();
    }
    const reply = this.leaving.get(number);
    if (reply === undefined) return;
    if (reply.credit === 0) this.turns.push(reply);
    reply.credit += bytes;
    this.pump();
  }

  // What an invocation says

  began(invocation) {
    this.running.set(invocation.number, invocation);
  }

  /** What is sent of a result. @throws TypeError when it has no JSON form */
  encode(value) {
    return encodeResult(value);
  }

  succeed(invocation, {form, json, body}) {
    const {number} = invocation;
    this.running.delete(number);
    if (invocation.isLeft) this.write(END, number);
    else if (typeof body !== 'string') this.succeedInBytes(number, form, json, bytesOf(body));
    else if (json.length + body.length <= SHORT_CHARS) this.writeResult(number, form, json, body);
    else this.leave(number, form, Buffer.from(json), Buffer.from(body));
    this.rest();
  }

  succeedInBytes(number, form, json, body) {
    if (3 * json.length + body.length <= 3 * SHORT_CHARS) this.writeResult(number, form, json, body);
    else this.leave(number, form, Buffer.from(json), body);
  }

  failed(invocation, message) {
    this.running.delete(invocation.number);
    this.endFlow(invocation.number);
    this.fail(invocation.number, message);
    this.rest();
  }

  /**
  Sends a body as it is made, as fast as the core gives credit for it. With a type the head leaves at once, unless the first
  piece, or a failure, comes in the same turn. Without one the first piece tells whether it is text or bytes.
  */
  async stream(invocation, envelope, pull, isTyped) {
    const {number} = invocation;
    const json = envelope === null ? '' : toJson(envelope);
    if (json.length > SHORT_CHARS) throw new TypeError(`beside a streamed body at most ${SHORT_CHARS} characters of JSON have room`);
    outlive(invocation);
    const flow = new Flow();
    this.flows.set(number, flow);
    if (invocation.isLeft) return this.stopFlow(invocation, flow);
    let piece = pull.next();
    const first = await (isTyped ? Promise.race([piece, nextTurn()]) : piece);
    if (flow.isStopped) return;
    const isText = first !== undefined && !first.done && typeof first.value === 'string';
    const head = first === undefined || first.done ? EMPTY : pull.bytesOf(first.value);
    const at = Math.min(head.length, FIRST_BYTES);
    flow.credit -= this.writeOpenResult(number, isText ? 1 : 2, json, head.slice(0, at));
    if (first !== undefined) piece = first.done ? null : this.sendAndPull(number, flow, head.slice(at), pull);
    while (piece !== null) {
      const {done, value} = await piece;
      if (flow.isStopped) return;
      piece = done ? null : this.sendAndPull(number, flow, pull.bytesOf(value), pull);
    }
    this.endFlow(number);
    this.running.delete(number);
    finish(invocation);
    this.write(END, number);
    this.rest();
  }

  /** Once a piece has left, and there is room for another, the next is made. */
  async sendAndPull(number, flow, bytes, pull) {
    for (let at = 0; ; ) {
      while (!flow.isStopped && (flow.credit === 0 || unsentBytes(this.socket) > UNREAD_MAX_BYTES)) await flow.woken();
      if (flow.isStopped) return {done: true, value: undefined};
      if (at === bytes.length) return pull.next();
      const end = Math.min(bytes.length, at + Math.min(flow.credit, FLOW_BYTES));
      this.writeData(number, bytes, at, end);
      flow.credit -= end - at;
      at = end;
    }
  }

  /** Nobody wants the rest. What it does to clean up belongs to the call, but not for long. */
  stopFlow(invocation, flow) {
    const {number} = invocation;
    if (flow.isStopped) return;
    flow.isStopped = true;
    flow.wake();
    const over = () => {
      if (!this.flows.delete(number)) return;
      clearTimeout(timer);
      this.running.delete(number);
      finish(invocation);
      this.write(END, number);
      this.rest();
    };
    const timer = setTimeout(over, STOP_MS);
    invocation.pull.stop().then(over);
  }

  /** Nothing more comes of a body. @param why for the handler that still reads it */
  endFeed(number, why) {
    const feed = this.feeds.get(number);
    if (feed === undefined) return;
    this.feeds.delete(number);
    feed.end(why);
  }

  endFlow(number) {
    const flow = this.flows.get(number);
    if (flow === undefined) return;
    this.flows.delete(number);
    flow.isStopped = true;
    flow.wake();
  }

  /** The core has ended its side: the rest of calls that are not whole does not come. */
  dropHalves() {
    this.coming.clear();
  }

  rest() {
    if (this.onRested !== null && !this.isBusy) this.onRested();
  }

  // What goes

  fail(number, message) {
    this.endFeed(number);
    let bytes = Buffer.from(message);
    // A character is not cut in the middle.
    if (bytes.length > MESSAGE_MAX_BYTES) bytes = Buffer.from(bytes.toString('utf8', 0, MESSAGE_MAX_BYTES - 3).replace(/\ufffd$/, ''));
    if (bytes.length > OUT_BYTES - HEAD_BYTES) {
      this.flushNow();
      this.socket.write(Buffer.concat([frameHead(FAILED, number, bytes.length), bytes]));
    } else {
      const at = this.room(HEAD_BYTES + bytes.length);
      bytes.copy(this.out, at + HEAD_BYTES);
      this.writeHead(at, FAILED, number, bytes.length);
    }
    this.rest(); // it may have been refused before it ran
  }

  /** A frame without payload. */
  write(type, number) {
    this.writeHead(this.room(HEAD_BYTES), type, number, 0);
  }

  writeResult(number, form, json, body) {
    const isText = typeof body === 'string';
    const at = this.room(HEAD_BYTES + RUN_HEAD_BYTES + 3 * json.length + (isText ? 3 : 1) * body.length);
    const {out} = this;
    const start = at + HEAD_BYTES + RUN_HEAD_BYTES;
    const jsonBytes = json === '' ? 0 : out.write(json, start);
    const bodyBytes = body.length === 0 ? 0 : isText ? out.write(body, start + jsonBytes) : body.copy(out, start + jsonBytes);
    out[at + HEAD_BYTES] = form;
    writeUint(out, at + HEAD_BYTES + 1, jsonBytes);
    writeUint(out, at + HEAD_BYTES + 5, bodyBytes);
    this.writeHead(at, RESULT, number, RUN_HEAD_BYTES + jsonBytes + bodyBytes);
  }

  /** A RESULT whose end is not known. @returns how much of the window it takes */
  writeOpenResult(number, form, json, body) {
    const at = this.room(HEAD_BYTES + RUN_HEAD_BYTES + 3 * json.length + body.length);
    const {out} = this;
    const start = at + HEAD_BYTES + RUN_HEAD_BYTES;
    const jsonBytes = json === '' ? 0 : out.write(json, start);
    body.copy(out, start + jsonBytes);
    out[at + HEAD_BYTES] = form;
    writeUint(out, at + HEAD_BYTES + 1, jsonBytes);
    writeUint(out, at + HEAD_BYTES + 5, UNKNOWN_BYTES);
    this.writeHead(at, RESULT, number, RUN_HEAD_BYTES + jsonBytes + body.length);
    return jsonBytes + body.length;
  }

  writeCredit(number, count) {
    const at = this.room(HEAD_BYTES + 4);
    writeUint(this.out, at + HEAD_BYTES, count);
    this.writeHead(at, CREDIT, number, 4);
  }

  writeData(number, bytes, from, end) {
    const at = this.room(HEAD_BYTES + end - from);
    bytes.copy(this.out, at + HEAD_BYTES, from, end);
    this.writeHead(at, DATA, number, end - from);
  }

  writeHead(at, type, number, length) {
    const {out} = this;
    writeUint(out, at, length);
    out[at + 4] = type;
    writeUint(out, at + 5, number);
    this.written = at + HEAD_BYTES + length;
    if (performance.now() - this.turnAt > TURN_MS) return this.flushNow(); // handlers compute: their replies do not wait for one another
    if (this.isScheduled) return;
    this.isScheduled = true;
    process.nextTick(this.flush);
  }

  /** Where so many bytes can be written. */
  room(bytes) {
    if (this.written + bytes > OUT_BYTES) {
      this.flushNow();
      if (this.written > 0) this.out = Buffer.allocUnsafeSlow(OUT_BYTES);
      this.written = this.flushed = 0;
    }
    return this.written;
  }

  /** The frames of a turn leave in one write: each wakes the core. */
  flushNow() {
    this.isScheduled = false;
    if (this.written === this.flushed) return;
    this.socket.write(this.out.slice(this.flushed, this.written));
    if (unsentBytes(this.socket) === 0) this.written = 0; // the system took it at once, as it does nearly always
    this.flushed = this.written;
  }

  /** A reply that is too long for one frame leaves in turn with others, as far as the core has given credit. */
  leave(number, form, json, body) {
    spend(json.length + body.length);
    const head = Buffer.allocUnsafe(RUN_HEAD_BYTES);
    head[0] = form;
    writeUint(head, 1, json.length);
    writeUint(head, 5, body.length);
    const size = json.length + body.length;
    const reply = {number, head, parts: [json, body], size, left: size, credit: WINDOW_BYTES};
    this.leaving.set(number, reply);
    this.leavingBytes += size;
    this.turns.push(reply);
    this.pump();
  }

  pump() {
    if (this.turns.length === 0 || unsentBytes(this.socket) > UNREAD_MAX_BYTES) return;
    this.flushNow();
    this.socket.cork();
    while (this.turns.length > 0 && unsentBytes(this.socket) <= UNREAD_MAX_BYTES) this.sendPiece(this.turns.shift());
    this.socket.uncork();
    this.rest();
  }

  sendPiece(reply) {
    const isFirst = reply.head !== null;
    const room = isFirst ? PIECE_BYTES - RUN_HEAD_BYTES : PIECE_BYTES;
    const bytes = Math.min(room, reply.left, reply.credit);
    const head = frameHead(isFirst ? RESULT : DATA, reply.number, bytes + (isFirst ? RUN_HEAD_BYTES : 0));
    this.socket.write(isFirst ? Buffer.concat([head, reply.head]) : head);
    reply.head = null;
    reply.left -= bytes;
    reply.credit -= bytes;
    for (let rest = bytes; rest > 0; ) {
      const part = reply.parts[0];
      if (part.length <= rest) reply.parts.shift();
      else reply.parts[0] = part.slice(rest);
      if (part.length > 0) this.socket.write(part.length <= rest ? part : part.slice(0, rest));
      rest -= Math.min(rest, part.length);
    }
    if (reply.left === 0) this.gone(reply.number);
    else if (reply.credit > 0) this.turns.push(reply);
  }
}

/** A body of a call that the handler reads as it comes. Credit for more follows what it has read. */
class Feed {
  constructor(grant) {
    const {Readable} = require('stream');
    this.received = 0;
    this.granted = 0;
    this.hasEnded = false;
    this.body = new Readable({
      highWaterMark: FEED_BYTES,
      read: () => {
        const count = this.received - this.body._readableState.length - this.granted;
        if (count < FEED_BYTES || this.hasEnded) return;
        this.granted += count;
        grant(count);
      },
    });
    this.body.on('error', () => {}); // nobody may read it
  }

  take(bytes) {
    if (bytes === null) this.hasEnded = true;
    else this.received += bytes.length;
    this.body.push(bytes);
  }

  end(why) {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.body.destroy(why === undefined ? undefined : new Error(why));
  }
}

/** A body that leaves as it is made. */
class Flow {
  constructor() {
    this.credit = WINDOW_BYTES;
    this.isStopped = false;
    this.onWake = null;
  }

  woken() {
    return new Promise(resolve => {
      this.onWake = resolve;
    });
  }

  wake() {
    const tell = this.onWake;
    this.onWake = null;
    if (tell !== null) tell();
  }
}

function unsentBytes(socket) {
  return socket.writableLength === undefined ? socket._writableState.length : socket.writableLength; // before Node 9.4
}

function frameHead(type, number, length) {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  writeUint(head, 0, length);
  head[4] = type;
  writeUint(head, 5, number);
  return head;
}

function readUint(bytes, at) {
  return bytes[at] * 16777216 + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
}

function writeUint(bytes, at, value) {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

let spentBytes = 0;
let collect = null;

/** In a small container garbage is collected after so many bytes of long bodies: V8 would let 64 MB of buffers wait for that. */
function spend(bytes) {
  spentBytes += bytes;
  if (spentBytes < settings.garbageBytes) return;
  spentBytes = 0;
  if (collect === null) collect = openCollector();
  collect();
}

/** V8 shows its function to contexts that are made while the flag is set: the handler does not see it. */
function openCollector() {
  const v8 = require('v8');
  v8.setFlagsFromString('--expose-gc');
  const gc = require('vm').runInNewContext('gc');
  v8.setFlagsFromString('--no-expose-gc');
  return gc;
}

/** Every chunk is read into the same buffer where Node can do that: nothing may keep a part of it. */
function openStream(fd, receive, ended) {
  const options = {fd, readable: true, writable: true, allowHalfOpen: true};
  const [major, minor] = process.versions.node.split('.').map(Number);
  const hasBuffer = major > 12 || (major === 12 && minor >= 10);
  if (hasBuffer) {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    options.onread = {
      buffer,
      callback: size => receive(size, buffer), // false pauses the socket
    };
  }
  const socket = new net.Socket(options);
  if (!hasBuffer) {
    socket.on('data', chunk => {
      if (!receive(chunk.length, chunk)) socket.pause();
    });
  }
  let isOver = false;
  const over = () => {
    if (isOver) return;
    isOver = true;
    ended();
  };
  for (const event of ['end', 'error', 'close']) socket.on(event, over);
  socket.resume();
  return socket;
}

// HTTP on a port ---------------------------------------------------------------------------------------------------

/** Longer than the core keeps a connection that is idle. */
const KEEP_ALIVE_MS = 660000;
/** Past any reply that a core takes by default. */
const GATHERED_MAX_BYTES = 32 * 1024 * 1024;

function serveHttp(report, told) {
  const sockets = new Set();
  const server = require('http').createServer((request, response) => receive(request, response));
  server.httpAllowHalfOpen = true; // a caller that only ended its side still gets the reply
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.timeout = server.headersTimeout = server.requestTimeout = 0;
  server.on('connection', socket => {
    const state = {socket, serving: 0, call: null};
    socketStates.set(socket, state);
    sockets.add(state);
    const over = () => {
      sockets.delete(state);
      hangUp(state);
    };
    for (const event of ['end', 'close']) socket.once(event, over);
  });
  server.on('error', error => {
    writeStderr(`core-bridge: cannot listen on 127.0.0.1:${settings.port}: ${error.message}\n`);
    process.exit(1);
  });
  server.listen({host: '127.0.0.1', port: settings.port, backlog: 1024}, () => {
    if (channel !== null) channel.write(report);
    told();
  });
  const isBusy = () => [...sockets].some(({serving}) => serving > 0);
  onAsked = () => {
    if (channel === null) stop();
    else channel.onLetGo(untilRested(isBusy, stop));
  };

  function stop() {
    stopping = true;
    server.close(leave);
    for (const {socket, serving} of sockets) if (serving === 0) socket.destroy();
  }
}

/** What a connection is doing: how many calls, and the newest one that came on it. */
const socketStates = new WeakMap();

function receive(request, response) {
  const state = socketStates.get(request.socket);
  state.serving++;
  const caller = new HttpCaller(state, response, request.headers['core-invocation-id']);
  let parts = [];
  let bytes = 0;
  request.on('data', part => {
    bytes += part.length;
    if (bytes <= settings.maxBytes) parts.push(part);
    else parts = []; // read to the end, keep nothing: a reply before that could be lost in a reset
  });
  request.on('error', () => {}); // it broke off: nobody waits
  request.on('end', () => serveRequest(caller, request, bytes, parts));
}

/** The request is complete. */
function serveRequest(caller, {method, url, headers}, bytes, parts) {
  calls += 1;
  if (settings.token !== '' && !isToken(headers['core-bridge-token'] || '')) {
    return caller.reply(403, TEXT_TYPE, 'Core-Bridge-Token is missing or wrong\n');
  }
  if (url !== '/') return caller.reply(404, TEXT_TYPE, 'Only POST / is served here\n');
  if (method !== 'POST') return caller.reply(405, TEXT_TYPE, 'Only POST / is served here\n');
  if (bytes > settings.maxBytes) return caller.reply(413, TEXT_TYPE, 'The request is too large for the bridge\n');
  if (handler === null) return caller.reply(500, TEXT_TYPE, NOT_LOADED);
  let call;
  try {
    call = JSON.parse(Buffer.concat(parts).toString());
  } catch (error) {
    return caller.reply(400, TEXT_TYPE, `The request body is not JSON: ${error.message}\n`);
  }
  if (call === null || typeof call !== 'object') return caller.reply(400, TEXT_TYPE, 'The request body is not a JSON object\n');
  invoke(caller, 0, call.event, call.context, call.target);
}

/** One request and its reply. */
class HttpCaller {
  constructor(state, response, id) {
    this.state = state;
    this.response = response;
    this.id = id;
  }

  began(invocation) {
    this.state.call = invocation;
  }

  encode(value) {
    return toText(value);
  }

  succeed(_invocation, text) {
    this.reply(200, JSON_TYPE, text);
  }

  /** HTTP as it is asked for here has no place for a body that breaks off: it is gathered. */
  async stream(invocation, envelope, pull) {
    const pieces = [];
    let bytes = 0;
    let isText = true;
    for (;;) {
      const {done, value} = await pull.next();
      if (invocation.isDone) return;
      if (done) break;
      isText = isText && typeof value === 'string';
      const piece = pull.bytesOf(value);
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > GATHERED_MAX_BYTES) throw new Error(`A streamed body of more than ${GATHERED_MAX_BYTES} bytes cannot be gathered`);
    }
    const all = Buffer.concat(pieces);
    const body = isText ? all.toString() : all;
    const text = toText(envelope === null ? body : Object.assign({}, envelope, {body}));
    finish(invocation);
    this.succeed(invocation, text);
  }

  failed(_invocation, message) {
    this.reply(500, TEXT_TYPE, message);
  }

  reply(status, type, text) {
    const headers = {'Content-Type': type, 'Content-Length': Buffer.byteLength(text)};
    if (this.id !== undefined) headers['Core-Invocation-Id'] = this.id;
    if (stopping) headers.Connection = 'close';
    this.state.serving--;
    this.response.writeHead(status, headers);
    this.response.end(text);
  }
}

/** The connection of the newest call was closed, or will be after its reply. */
function hangUp(state) {
  const {call} = state;
  if (call === null) return;
  state.call = null;
  const tell = call.onHangUp;
  onHangUp(call);
  if (tell !== null) tell();
}

/** Compares every character whatever the first difference, so that the time tells nothing. */
function isToken(given) {
  const {token} = settings;
  let difference = given.length ^ token.length;
  for (let i = 0; i < token.length; i++) difference |= given.charCodeAt(i) ^ token.charCodeAt(i);
  return difference === 0;
}

// Invoking ---------------------------------------------------------------------------------------------------------

/** One call of the handler, from the parsed request to the reply. */
class Invocation {
  constructor(caller, number, context) {
    /** A connection, or the channel, on which calls have numbers. */
    this.caller = caller;
    this.number = number;
    this.isDone = false;
    /** True once nobody waits for the reply: the core then wants to know when the call is over. */
    this.isLeft = false;
    /** Told once, when the caller hangs up during the call. */
    this.onHangUp = null;
    /** True once the handler returned nothing and only its callback can end the call. */
    this.waits = false;
    /** True once it returned a promise. */
    this.follows = false;
    this.calledBack = false;
    this.error = undefined;
    this.value = undefined;
    this.expiresAt = Infinity;
    this.abort = null;
    this.id = context.invocationId; // kept: the handler may change its context
    this.trace = context.trace;
    this.output = null;
    /** Makes the pieces of its reply, once it is known to come in pieces. */
    this.pull = null;
    this.traceContext = null;
  }
}

/** Leads from a context to its invocation; a WeakMap here costs a tenth of the throughput. */
const INVOCATION = Symbol('invocation');
const TARGET = Symbol('target');
const owner = {value: null, enumerable: false, configurable: true};

/** What the handler gets as its second argument: the members sent by the core, and two more that stay out of JSON. */
class Context {
  constructor(members) {
    for (const name in members) if (name !== 'signal') this[name] = members[name];
  }

  getRemainingTimeInMillis() {
    return this.deadlineMs === undefined ? Infinity : Math.max(0, this.deadlineMs - Date.now());
  }

  /** The process does not end before the promise has settled, nor waits longer than the call's deadline. The reply does not wait. */
  waitUntil(promise) {
    outlast(this[INVOCATION], this.deadlineMs, promise);
  }

  /** What Workers have, where no origin stands behind the function. */
  passThroughOnException() {}

  /** Aborts at the deadline, or when the core hung up. Made on first use: most handlers never ask. */
  get signal() {
    const invocation = this[INVOCATION];
    return invocation === undefined || typeof AbortController === 'undefined' ? undefined : signalOf(invocation, this);
  }
}

/**
@param target that of the request as it came, where the event does not tell all of it
@param feed the body, where it comes as it is read
*/
function invoke(caller, number, event, members, target, feed) {
  const context = new Context(members);
  if (takesRequest) Object.defineProperty(context, TARGET, {value: target});
  if (settings.streamsBodies || feed !== undefined) {
    const {body} = feed === undefined ? wholeFeed(event) : feed;
    Object.defineProperty(context, 'body', {value: body, configurable: true, writable: true}); // it stays out of JSON
  }
  const invocation = new Invocation(caller, number, context);
  caller.began(invocation);
  owner.value = invocation;
  Object.defineProperty(context, INVOCATION, owner);
  const callback = (error, value) => onCallback(invocation, error, value);
  let result;
  try {
    if (event !== null && typeof event === 'object') {
      addLowerCaseNames(event.headers);
      addLowerCaseNames(event.multiValueHeaders);
    }
    result =
      invocations === null ? callHandler(event, context, callback) : invocations.run(invocation, callHandler, event, context, callback);
    if (result != null && typeof result.then === 'function') return follow(invocation, context, result);
  } catch (error) {
    return fail(invocation, error);
  }
  if (invocation.calledBack) conclude(invocation);
  else if (takesCallback && !isResult(result)) {
    invocation.waits = true;
    watch(invocation, context);
  } else settle(invocation, result);
}

/** A body that came whole, as a stream, in place of the event's. */
function wholeFeed(event) {
  const feed = new Feed(() => {});
  const bytes = bodyOf(Object(event));
  if (bytes !== undefined) feed.take(Buffer.from(bytes));
  feed.take(null);
  if (event !== null && typeof event === 'object') {
    delete event.body;
    delete event.isBase64Encoded;
  }
  return feed;
}

function callHandler(event, context, callback) {
  if (globalThisObject[otelGlobal] === undefined) return handler(event, context, callback);
  return callInTrace(event, context, callback);
}

function follow(invocation, context, promise) {
  invocation.follows = true;
  watch(invocation, context);
  if (invocation.calledBack) setImmediate(conclude, invocation);
  promise.then(
    value => {
      if (value === undefined && invocation.calledBack) conclude(invocation);
      else settle(invocation, value);
    },
    error => fail(invocation, error),
  );
}

function onCallback(invocation, error, value) {
  if (invocation.isDone || invocation.calledBack) {
    const isUnseen = !takesCallback && !invocation.calledBack && !invocation.follows;
    const advice = isUnseen
      ? '; the reply did not wait for it, as the handler shows no third parameter: declare it: (event, context, callback)'
      : '';
    stray(`callback called after the reply, ignored${advice}`, error || '', invocation);
    return;
  }
  invocation.calledBack = true;
  invocation.error = error;
  invocation.value = value;
  if (invocation.waits) conclude(invocation);
  // The promise wins when it settles in the same turn; one that never settles must not keep the caller waiting.
  else if (invocation.follows) setImmediate(conclude, invocation);
}

function conclude(invocation) {
  if (invocation.isDone) return;
  if (invocation.error) fail(invocation, invocation.error);
  else settle(invocation, invocation.value);
}

/**
Whether what a handler with a callback returned can be meant as its result. `(e, c, cb) => setTimeout(…)` returns a
timer, `(e, c, cb) => stream.on(…)` an emitter that nobody asked for: neither counts.
*/
function isResult(value) {
  if (value === undefined || typeof value === 'function') return false;
  return value === null || (typeof value.unref !== 'function' && typeof value.on !== 'function');
}

function settle(invocation, value) {
  if (invocation.isDone || invocation.pull !== null) return;
  if (isResponse(value)) return respond(invocation, value);
  let encoded;
  try {
    const source = sourceOf(value);
    if (source !== null) return stream(invocation, value, source);
    encoded = invocation.caller.encode(value);
  } catch (error) {
    const refusal = new TypeError(`The result of the function is not JSON: ${messageOf(error)}`);
    if (error && error.cause !== undefined) refusal.cause = error.cause;
    return fail(invocation, refusal);
  }
  finish(invocation);
  invocation.caller.succeed(invocation, encoded);
}

/** Replies with a body that is made piece by piece: all of the result, or its member `body`. */
function stream(invocation, value, source) {
  const envelope = source === value ? null : readable(withoutBody(value));
  const pull = openPull(invocation, source);
  invocation.pull = pull;
  invocation.caller.stream(invocation, envelope, pull, envelope !== null && isTyped(envelope)).catch(error => {
    if (!invocation.isDone && !invocation.isLeft) fail(invocation, error);
  });
}

/** The core says how long a stream may take. */
function outlive(invocation) {
  if (invocation.expiresAt !== Infinity) watched.delete(invocation);
  invocation.expiresAt = Infinity;
  if (invocation.abort !== null) invocation.abort.outlive();
}

function fail(invocation, error) {
  if (invocation.isDone) return stray('error after the reply', error, invocation);
  logError(invocation, '', error);
  finish(invocation);
  invocation.caller.failed(invocation, messageOf(error));
}

function finish(invocation) {
  invocation.isDone = true;
  if (invocation.expiresAt !== Infinity) watched.delete(invocation);
  if (invocation.abort !== null) invocation.abort.stop();
  if (invocation.pull !== null) invocation.pull.stop();
  if (invocation.number > 0) invocation.caller.endFeed(invocation.number);
  if (invocation.output !== null) flushOutput(invocation);
  if (invocation.isLeft) tellSettled(invocation);
  invocation.onHangUp = null;
}

/** A connection was closed. Its reply may have been on the way at that moment, so the end of its newest call is always reported. */
function onHangUp(invocation) {
  invocation.isLeft = true;
  if (invocation.isDone) tellSettled(invocation);
}

/** On the channel the end of a call says it. */
function tellSettled(invocation) {
  if (invocation.number === 0 && channel !== null && typeof invocation.id === 'string') channel.write({settled: invocation.id});
}

/** The JSON text of a result. Bytes become the envelope's base64 form. */
function toText(given) {
  if (given === undefined) return '';
  const value = readable(given);
  if (value !== null && typeof value === 'object') {
    if (isBytes(value)) return JSON.stringify({body: base64(value), isBase64Encoded: true});
    if (isBytes(value.body)) return JSON.stringify(Object.assign({}, value, {body: base64(value.body), isBase64Encoded: true}));
  }
  return toJson(value);
}

/** Overwritten by the next result. */
const encoded = {form: 0, json: '', body: ''};

/** The form of a RESULT: a text or bytes, as the result or as its member `body`, leave the JSON. */
function encodeResult(given) {
  encoded.form = 0;
  encoded.json = encoded.body = '';
  if (given === undefined) return encoded;
  const value = readable(given);
  if (typeof value === 'string') return encodeBody(1, value);
  if (value === null || typeof value !== 'object' || (typeof value.toJSON === 'function' && !isBytes(value))) return encodeJson(value);
  if (isBytes(value)) return encodeBody(2, value);
  const {body} = value;
  if (Array.isArray(value) || (typeof body !== 'string' && !isBytes(body))) return encodeJson(value);
  encodeJson(withoutBody(value));
  return encodeBody(typeof body === 'string' ? 1 : 2, body);
}

function encodeJson(value) {
  encoded.json = toJson(value);
  return encoded;
}

function encodeBody(form, body) {
  encoded.form = form;
  encoded.body = body;
  return encoded;
}

/** Only members that JSON shows. */
function withoutBody(value) {
  const rest = {};
  for (const name of Object.keys(value)) if (name !== 'body') rest[name] = value[name];
  return rest;
}

function toJson(value) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`a value of type ${typeof value} has no JSON form`);
  if (typeof value === 'object' && text.includes('{}')) refusePromises(value);
  return text;
}

function isBytes(value) {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer || isSharedBuffer(value);
}

function isSharedBuffer(value) {
  return typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer;
}

function base64(bytes) {
  return bytesOf(bytes).toString('base64');
}

function bytesOf(bytes) {
  return ArrayBuffer.isView(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : Buffer.from(bytes);
}

const OBJECT = Object.prototype;
const LIST = Array.prototype;
const FORM_TYPE = 'application/x-www-form-urlencoded;charset=UTF-8';

/** JSON shows objects without enumerable members as `{}`. They are read where their meaning is plain, else refused; bytes stay. */
function readable(value) {
  if (value === null || typeof value !== 'object') return value;
  if (!isShown(value)) {
    if (isForm(value)) return withForm({body: value}, value);
    refuse(value, '');
    return value;
  }
  if (isBytes(value)) return value;
  const {headers, multiValueHeaders, body} = value;
  let read = value;
  if (!isShown(headers)) read = Object.assign({}, read, {headers: fieldsOf(headers, 'headers: ')});
  if (!isShown(multiValueHeaders)) read = Object.assign({}, read, {multiValueHeaders: fieldsOf(multiValueHeaders, 'multiValueHeaders: ')});
  if (isShown(body)) return read;
  if (isForm(body)) return withForm(read, body);
  refuse(body, '');
  return read;
}

/** True where JSON does as the function means it, and for bytes. */
function isShown(value) {
  if (value === null || typeof value !== 'object') return true;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === OBJECT || prototype === LIST || prototype === null) return true;
  if (Array.isArray(value) || isBytes(value) || typeof value.toJSON === 'function') return true;
  return Object.getPrototypeOf(prototype) === null; // an object of another realm
}

function isForm(value) {
  return OBJECT.toString.call(value) === '[object URLSearchParams]';
}

/** True when its headers say of what type the body is, or how it is coded. */
function isTyped({headers, multiValueHeaders}) {
  const says = fields => Object.keys(Object(fields)).some(name => /^content-(type|encoding)$/i.test(name));
  return says(headers) || says(multiValueHeaders);
}

function withForm(envelope, form) {
  const read = Object.assign({}, envelope, {body: String(form)});
  if (!isTyped(read)) {
    read.headers = Object.assign({}, read.headers, {'Content-Type': FORM_TYPE});
  }
  return read;
}

/** Reads a WHATWG Headers, a Map, or anything else that lists pairs of name and value. */
function fieldsOf(given, where) {
  if (typeof given.raw === 'function') return given.raw(); // of node-fetch 2, whose pairs join cookies
  if (typeof given[Symbol.iterator] !== 'function' || typeof given.next === 'function') {
    refuse(given, where);
    return given;
  }
  const fields = Object.create(null);
  for (const pair of given) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') {
      throw new TypeError(`${where}${kindOf(given)} is no list of names and values`);
    }
    const [name, value] = pair;
    fields[name] = name in fields ? [].concat(fields[name], value) : value;
  }
  return fields;
}

/** Throws when JSON would make `{}`, or its innards, of the value: a stream, a Response of fetch(), a generator, a Map, an Error. */
function refuse(value, where) {
  if (typeof value.then === 'function') throw new TypeError(`${where}${kindOf(value)} must be awaited first`);
  if (isUnread(value)) throw new TypeError(`${where}${kindOf(value)} must be read first`);
  if (value instanceof Error) {
    const error = new TypeError(`${where}${kindOf(value)} must be thrown, not returned: ${messageOf(value)}`);
    error.cause = value;
    throw error;
  }
  const isCollection = value instanceof Map || value instanceof Set;
  if (!isCollection && Object.keys(value).length > 0) return; // an instance shows its members
  if (value instanceof Number || value instanceof Boolean || value instanceof String) return;
  throw new TypeError(`${where}${kindOf(value)} has no members that JSON shows`);
}

function isUnread(value) {
  if (typeof value.pipe === 'function' || typeof value.getReader === 'function' || typeof value.arrayBuffer === 'function') return true;
  if (typeof value.next === 'function') return true;
  return Symbol.asyncIterator !== undefined && typeof value[Symbol.asyncIterator] === 'function';
}

// Requests and responses of WHATWG --------------------------------------------------------------------------------------

/** A function that calls `fetch` of an object with a Request, as Workers, Bun and Deno do: (request, env, context). */
function handlerOf(fetcher) {
  if (typeof Request !== 'function' || typeof Response !== 'function')
    throw new Error(`a handler with fetch() takes a Request, which exists in Node 18 and later; this is ${RUNTIME}`);
  takesRequest = true;
  return async (event, context) => {
    const asked = requestOf(event, context[TARGET], context.signal, context.body);
    if (typeof asked === 'string') return {statusCode: 400, headers: {'Content-Type': TEXT_TYPE}, body: `Bad request: ${asked}\n`};
    context.requestContext = event.requestContext;
    const response = await fetcher.fetch(asked, process.env, context);
    if (isResponse(response)) return response;
    throw new TypeError(`fetch() must return a Response, not ${nameOf(response)}`);
  };
}

/** @returns what is wrong, where no Request can be made of it */
function requestOf(event, target, signal, stream) {
  const {path = '/', httpMethod = 'POST', headers = {}, queryStringParameters, multiValueQueryStringParameters} = Object(event);
  const origin = originOf(schemeOf(headers), headers.Host || 'localhost');
  if (origin === null) return 'the field Host names no host';
  try {
    const init = {method: httpMethod, headers: headersOf(headers), signal};
    if (httpMethod !== 'GET' && httpMethod !== 'HEAD')
      init.body = stream === undefined ? bodyOf(event) : require('stream').Readable.toWeb(stream);
    if (stream !== undefined) init.duplex = 'half';
    const asked =
      typeof target === 'string'
        ? target.replace(/[#\\]/g, each => escapes(Buffer.from(each))) // a URL would end there, or begin a folder
        : encodedPath(path) + encodedQuery(multiValueQueryStringParameters || queryStringParameters);
    return new Request(origin + asked, init);
  } catch (error) {
    return messageOf(error);
  }
}

/** The proxy in front of the core says by what scheme it was asked. */
function schemeOf(headers) {
  const [proto] = String(headers['X-Forwarded-Proto'] || '').split(',');
  return /^\s*https\s*$/i.test(proto) ? 'https' : 'http';
}

/** Null where the host is none, or more than one, such as a user or a path. */
function originOf(scheme, host) {
  if (/[/?#@\\]/.test(host)) return null;
  try {
    return new URL(`${scheme}://${host}`).origin;
  } catch (_) {
    return null;
  }
}

/** A path came decoded: whatever is not plain in one is written as an escape. */
function encodedPath(path) {
  return path.replace(/[^\w\-.~!$&'()*+,;=:@/]+/g, text => escapes(Buffer.from(text)));
}

const escapes = bytes => bytes.toString('hex').replace(/../g, '%$&').toUpperCase();

function encodedQuery(query) {
  const pairs = [];
  for (const name of Object.keys(Object(query))) for (const value of [].concat(query[name])) pairs.push([name, value]);
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

/** Values of WHATWG headers are texts of bytes. */
function headersOf(fields) {
  const headers = new Headers();
  for (const name of Object.keys(fields)) headers.append(name, bytesAsText(String(fields[name])));
  return headers;
}

/** As bytes, so that no type is made up. */
function bodyOf({body, isBase64Encoded}) {
  const bytes = typeof body === 'string' ? Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') : body;
  return bytes == null || bytes.length === 0 ? undefined : bytes;
}

const NOT_ASCII = /[^\0-\x7f]/;

const bytesAsText = text => (NOT_ASCII.test(text) ? Buffer.from(text).toString('latin1') : text);

/** The text that the bytes are, where they are UTF-8. */
function textOfBytes(value) {
  if (!NOT_ASCII.test(value)) return value;
  const text = Buffer.from(value, 'latin1').toString();
  return text.includes('\ufffd') ? value : text;
}

/** Also that of node-fetch, or of a framework that brings its own. */
function isResponse(value) {
  if (value === null || typeof value !== 'object' || isShown(value)) return false;
  if (typeof Response === 'function' && value instanceof Response) return true;
  const {status, headers, arrayBuffer} = value;
  return typeof status === 'number' && typeof arrayBuffer === 'function' && typeof headers === 'object' && 'body' in value;
}

/** A body that is known at once leaves with its head, in one piece; any other as it is made. */
function respond(invocation, response) {
  try {
    const envelope = envelopeOf(response);
    if (response.body == null) return succeedWith(invocation, envelope);
    const pull = openPull(invocation, response.body);
    invocation.pull = pull;
    sendBody(invocation, envelope, pull).catch(error => {
      if (!invocation.isDone && !invocation.isLeft) fail(invocation, error);
    });
  } catch (error) {
    fail(invocation, error); // such as that of a body that was read before
  }
}

function succeedWith(invocation, envelope) {
  const encoded = invocation.caller.encode(envelope);
  finish(invocation);
  invocation.caller.succeed(invocation, encoded);
}

async function sendBody(invocation, envelope, pull) {
  const pieces = [];
  let bytes = 0;
  let next = null;
  while (pieces.length < 2 || bytes < WINDOW_BYTES) {
    next = pull.next();
    const got = await Promise.race([next, nextTurn()]);
    if (invocation.isDone) return;
    if (got === undefined) break; // it takes time
    if (got.done) return succeedWith(invocation, Object.assign(envelope, {body: pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)}));
    const piece = pull.bytesOf(got.value);
    pieces.push(piece);
    bytes += piece.length;
    next = null;
  }
  await invocation.caller.stream(invocation, envelope, resumed(pull, pieces, next), isTyped(envelope));
}

/** Gives what was pulled already, and then the rest. */
function resumed(pull, pieces, pending) {
  return {
    next() {
      if (pieces.length > 0) return Promise.resolve({done: false, value: pieces.shift()});
      const next = pending === null ? pull.next() : pending;
      pending = null;
      return next;
    },
    bytesOf: piece => pull.bytesOf(piece),
  };
}

const DECODED = /^(?:\s*(?:(?:x-)?gzip|deflate|br|zstd)\s*(?:,|$))+$/i;

function envelopeOf(response) {
  const {status, headers: given, body, url} = response;
  if (!(status >= 200)) throw new TypeError(`a Response with status ${status} cannot be sent`);
  const headers = typeof given[Symbol.iterator] === 'function' ? fieldsOf(given, 'headers: ') : Object.assign({}, given);
  for (const name of Object.keys(headers)) {
    headers[name] = Array.isArray(headers[name]) ? headers[name].map(textOfBytes) : textOfBytes(String(headers[name]));
  }
  const coding = Object.keys(headers).find(name => /^content-encoding$/i.test(name));
  // fetch() has decoded the body of what it got, and left the headers as they were.
  if (url && body != null && coding !== undefined && DECODED.test(headers[coding])) delete headers[coding];
  return {statusCode: status, headers};
}

/** What calls began with waitUntil(), each until it is over or its call's deadline has passed. */
const background = new Set();

function outlast(invocation, deadlineMs, promise) {
  const leftMs = typeof deadlineMs === 'number' ? Math.max(0, deadlineMs - Date.now()) : Infinity;
  const over = new Promise(resolve => {
    const timer = setTimeout(resolve, Math.min(leftMs, 0x7fffffff));
    timer.unref();
    Promise.resolve(promise)
      .catch(error => stray('error in waitUntil()', error, invocation))
      .then(() => {
        clearTimeout(timer);
        resolve();
      });
  });
  background.add(over);
  over.then(() => background.delete(over));
}

// Bodies that are made piece by piece ---------------------------------------------------------------------------------

/** What makes the body of a result piece by piece: the result itself, or its member `body`; null when nothing does. */
function sourceOf(value) {
  if (value === null || typeof value !== 'object') return null;
  if (isSource(value)) return value;
  const {body} = value;
  if (body === null || typeof body !== 'object' || !isSource(body)) return null;
  return OBJECT.hasOwnProperty.call(value, 'body') ? body : null; // that of a Response of fetch() lacks its head
}

/** An async iterable, such as a Readable or a ReadableStream, an older stream, or a generator. Bytes and plain objects are none. */
function isSource(value) {
  if (Symbol.asyncIterator !== undefined && typeof value[Symbol.asyncIterator] === 'function') return true;
  if (isShown(value)) return false;
  if (typeof value.getReader === 'function' || typeof value.pipe === 'function') return true;
  return OBJECT.toString.call(value) === '[object Generator]'; // other iterators mostly list values
}

/** Makes its pieces one by one, in the scope of the call: what is printed meanwhile belongs to it. */
function openPull(invocation, source) {
  const iterator = iteratorOf(source);
  const encoder = new TextPieces();
  let isStopped = false;
  const inCall = (name, ...args) => inScope(invocation, inTrace, invocation, () => iterator[name](...args));
  return {
    /** @returns a promise of `{done, value}` */
    async next() {
      return inCall('next');
    },
    bytesOf: piece => encoder.bytesOf(piece),
    /** Nobody wants more. Resolves when it has cleaned up. */
    async stop() {
      if (isStopped || typeof iterator.return !== 'function') return;
      isStopped = true;
      try {
        await inCall('return');
      } catch (error) {
        stray('error while a stream was stopped', error, invocation);
      }
    },
  };
}

function iteratorOf(source) {
  if (Symbol.asyncIterator !== undefined && typeof source[Symbol.asyncIterator] === 'function') return source[Symbol.asyncIterator]();
  if (typeof source.getReader === 'function') {
    const reader = source.getReader();
    return {next: () => reader.read(), return: () => reader.cancel()};
  }
  return typeof source.next === 'function' ? source : eventsOf(source);
}

/** A stream of Node without an iterator: that of Node 8, or of a package which brings its own. */
function eventsOf(source) {
  const {Readable} = require('stream');
  const stream = typeof source.read === 'function' ? source : new Readable().wrap(source);
  let wake = () => {};
  let end = null;
  const over = how => {
    if (end === null) end = how;
    wake();
  };
  stream.on('readable', () => wake());
  stream.on('end', () => over({done: true, value: undefined}));
  stream.on('error', error => over({error}));
  stream.on('close', () => over({error: new Error('the stream was closed before its end')}));
  return {
    async next() {
      for (;;) {
        const value = stream.read();
        if (value !== null) return {done: false, value};
        if (end !== null && end.error !== undefined) throw end.error;
        if (end !== null) return end;
        await new Promise(resolve => {
          wake = resolve;
        });
      }
    },
    return() {
      for (const each of [stream, source]) if (typeof each.destroy === 'function') each.destroy();
    },
  };
}

/** The bytes of pieces; a character that is cut in two becomes whole. */
class TextPieces {
  constructor() {
    this.half = '';
  }

  bytesOf(piece) {
    if (typeof piece !== 'string') {
      if (piece !== null && typeof piece === 'object' && isBytes(piece)) return bytesOf(piece);
      throw new TypeError(`A piece of a streamed body must be a text or bytes, not ${nameOf(piece)}`);
    }
    const text = this.half + piece;
    this.half = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : '';
    return Buffer.from(this.half === '' ? text : text.slice(0, -1));
  }
}

function nextTurn() {
  return new Promise(resolve => setImmediate(resolve, undefined));
}

function nameOf(value) {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? kindOf(value) : `a value of type ${typeof value}`;
}

/** What a value is called, with its article: `a Map`, `an AsyncGenerator`. */
function kindOf(value) {
  const made = value.constructor;
  const name = (typeof made === 'function' && made !== Object && made.name) || OBJECT.toString.call(value).slice(8, -1);
  return (/^[AEIOU]/i.test(name) ? 'an ' : 'a ') + name;
}

/** A promise that was not awaited is `{}` in JSON: among the members of the result, of its body, of its headers. */
function refusePromises(value) {
  for (const holder of [value, value.body, value.headers]) {
    if (holder === null || typeof holder !== 'object' || typeof holder.toJSON === 'function') continue;
    for (const name of Object.keys(holder)) {
      if (holder[name] instanceof Promise) throw new TypeError(`${name}: a Promise must be awaited first`);
    }
  }
}

// Look-up of headers in either case --------------------------------------------------------------------------------

/** The lists of names that came last, by their length, with their lower case: most calls bring the same. */
const lists = [];
/** Names come from strangers: longer lists are not kept. */
const LIST_MAX = 64;

/** Adds `content-type` beside `Content-Type`, out of sight of JSON, spread and Object.keys. Safe for any name. */
function addLowerCaseNames(headers) {
  if (headers === null || typeof headers !== 'object') return;
  const names = Object.keys(headers);
  const lowers = lowerCaseOf(names);
  for (let i = 0; i < names.length; i++) {
    if (lowers[i] === '') continue;
    Reflect.defineProperty(headers, lowers[i], {value: headers[names[i]], enumerable: false, writable: true, configurable: true});
  }
}

/** '' for a name whose lower case is there already. */
function lowerCaseOf(names) {
  const {length} = names;
  const known = lists[length];
  if (known !== undefined && isSameList(known.names, names)) return known.lowers;
  const all = new Set(names);
  const lowers = names.map(name => {
    const lower = name.toLowerCase();
    if (all.has(lower)) return '';
    all.add(lower);
    return lower;
  });
  if (length <= LIST_MAX) lists[length] = {names, lowers};
  return lowers;
}

function isSameList(some, others) {
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false;
  return true;
}

// Deadline ---------------------------------------------------------------------------------------------------------

/** Calls that outlived their handler's return. One coarse timer for all: the core is the one that is exact. */
const watched = new Set();
let sweeper = null;

function watch(invocation, context) {
  if (typeof context.deadlineMs !== 'number') return;
  // From here on the clock may be set without any call noticing.
  invocation.expiresAt = uptimeMs() + (context.deadlineMs - Date.now());
  watched.add(invocation);
  if (sweeper === null) {
    sweeper = setInterval(sweep, SWEEP_MS);
    sweeper.unref();
  }
}

function sweep() {
  const now = uptimeMs();
  for (const invocation of watched) {
    if (invocation.expiresAt > now) continue;
    // Who asked for the signal hears it first, and has until the next look to answer.
    if (invocation.abort !== null && invocation.abort.expire()) continue;
    fail(invocation, new Error('Function timed out'));
  }
  if (watched.size > 0) return;
  clearInterval(sweeper);
  sweeper = null;
}

function uptimeMs() {
  return process.uptime() * 1000;
}

function signalOf(invocation, context) {
  if (invocation.abort === null) {
    const controller = new AbortController();
    const abort = (name, text) => controller.abort(new DOMException(text, name));
    const expire = () => abort('TimeoutError', 'The deadline of the call has passed');
    // The socket's events belong to no call: listeners of the signal are put back into theirs.
    const onClose = () => inScope(invocation, abort, 'AbortError', 'The caller hung up');
    let timer;
    if (typeof context.deadlineMs === 'number' && invocation.pull === null) {
      const afterMs = Math.min(Math.max(0, context.deadlineMs - Date.now()), 0x7fffffff);
      timer = setTimeout(expire, afterMs);
      timer.unref();
    }
    invocation.onHangUp = onClose;
    invocation.abort = {
      signal: controller.signal,
      /** False when it was aborted before. */
      expire() {
        if (controller.signal.aborted) return false;
        inScope(invocation, expire);
        return true;
      },
      outlive() {
        clearTimeout(timer);
      },
      stop() {
        clearTimeout(timer);
        invocation.onHangUp = null;
      },
    };
    if (invocation.isLeft) onClose();
    if (invocation.isDone) invocation.abort.stop();
  }
  return invocation.abort.signal;
}

// Errors -----------------------------------------------------------------------------------------------------------

/** Something went wrong outside of every call, or after its reply. It is counted and logged; the process stays. */
function stray(what, error, invocation) {
  strays++;
  logError(invocation, `core-bridge: ${what} (stray error ${strays}): `, error);
}

function onUncaught(error) {
  const invocation = currentInvocation();
  // A throw in a timer of a call that still waits: its reply will never come, so this is the reply.
  if (invocation !== undefined && !invocation.isDone) fail(invocation, error);
  else stray('uncaught exception', error, invocation);
}

/** What the caller reads: the bare message. The core adds its prefix. */
function messageOf(error) {
  try {
    if (error === null || typeof error !== 'object') return String(error);
    if (typeof error.message === 'string') return error.message || String(error.name || 'Error');
    const text = JSON.stringify(error);
    return text === undefined ? String(error) : text;
  } catch (_) {
    return 'an error that has no message';
  }
}

/** What the log says: the stack and those of its causes; of a thrown object all of it. */
function stackOf(error, depth) {
  try {
    if (error === null || typeof error !== 'object') return messageOf(error);
    if (typeof error.stack !== 'string') return JSON.stringify(error) || messageOf(error);
    const level = depth || 0;
    let text = error.stack;
    if (level === CAUSES_MAX) return text;
    if (error.cause !== undefined) text += `\ncaused by: ${stackOf(error.cause, level + 1)}`;
    if (Array.isArray(error.errors)) {
      for (const each of error.errors.slice(0, CAUSES_MAX)) text += `\none of its errors: ${stackOf(each, level + 1)}`;
    }
    return text;
  } catch (_) {
    return messageOf(error); // a getter that throws
  }
}

/** Node keeps to itself where an ES module cannot be parsed: another one, which only parses, is asked. */
function placeOf(error) {
  if (!(error instanceof SyntaxError) || handlerFile === '' || /^\S+:\d+\n/.test(stackOf(error))) return '';
  const asked = new Set([handlerFile]);
  for (const file of asked) {
    const {stderr} = childProcess.spawnSync(process.execPath, ['--check', file], {encoding: 'utf8', timeout: 5000});
    const place = /^\S+:\d+\n[\s\S]*?(?=\n\S*SyntaxError)/m.exec(stderr || '');
    if (place !== null) return `${place[0].trim()}\n`;
    if (asked.size < MODULES_MAX) for (const next of importsOf(file)) asked.add(next);
  }
  return '';
}

/** The neighbours that a module names. */
function importsOf(file) {
  const text = fs.readFileSync(file, 'utf8');
  const names = (text.match(/(?:from|import)\s*\(?\s*['"]\.{1,2}\/[^'"\n]+/g) || []).map(found => found.replace(/^[^'"]*['"]/, ''));
  return names.map(name => path.resolve(path.dirname(file), name)).filter(name => fs.existsSync(name));
}

/** One line: name, message and, for a syntax error, the place, with which its story begins. */
function causeOf(error, story) {
  const name = error && error.name ? `${error.name}: ` : '';
  const place = error instanceof SyntaxError ? /^\S+:\d+(?=\n)/.exec(story) : null;
  return name + messageOf(error).split('\n')[0] + (place === null ? '' : ` (${place[0]})`);
}

// What to do about a handler that cannot be loaded ----------------------------------------------------------------

/** For code that needs a compiler. */
const compiled = () =>
  'or bundle the handler into JavaScript, or load it with tsx, from a handler.cjs that says ' +
  `\`require('tsx/cjs'); module.exports = require('./${path.basename(handlerFile)}');\``;

/** What would be right, to be written behind the message: what compilers and bundlers take, Node may refuse. '' without an idea. */
function adviceOn(error) {
  try {
    const advice = adviceFor(String(error.code), messageOf(error), error);
    return advice === '' ? '' : `; ${advice}`;
  } catch (_) {
    return ''; // anything can be thrown
  }
}

/** A stack with the advice behind the message that it begins with. */
function withAdvice(stack, error, advice) {
  const message = messageOf(error).split('\n')[0];
  const end = stack.indexOf(message) + message.length;
  return end < message.length ? stack : stack.slice(0, end) + advice + stack.slice(end);
}

function adviceFor(code, message, error) {
  if (/^(ERR_MODULE_NOT_FOUND|ERR_UNSUPPORTED_DIR_IMPORT|MODULE_NOT_FOUND)$/.test(code)) return adviceOnImport(message, error);
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return `Node removes types and makes no code of them: write it in JavaScript (for an enum, an object \`as const\`), ${compiled()}`;
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING')
    return 'Node takes no TypeScript from node_modules: install a version of the package with JavaScript in it, or bundle the handler';
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[mc]?tsx?\b/.test(message))
    return `${RUNTIME} does not take this kind of TypeScript: name a handler in .ts, and use Node 22.18 or later, ${compiled()}`;
  if (!(error instanceof SyntaxError)) return '';
  const missing = /module '([^']+\.[mc]?ts)' does not provide an export named '([^']+)'/.exec(message);
  if (missing !== null) return `if ${missing[2]} is a type, import it as one: \`import {type ${missing[2]}} from '${missing[1]}'\``;
  return /\.[mc]?ts$/.test(handlerFile) && hasDecorator(handlerFile) ? `Node does not know decorators: leave them out, ${compiled()}` : '';
}

const hasDecorator = file => /^\s*@[A-Za-z_$]/m.test(fs.readFileSync(file, 'utf8'));

/** Names the file that was meant, when there is one: compilers find it without its extension, Node does not. */
function adviceOnImport(message, error) {
  const isAlias = /^Cannot find (?:package|module) '[@~#]\//.test(message);
  const asked = /'(.+)' (?:is not supported resolving ES modules )?imported from (.+)$/m.exec(message);
  if (isAlias) return `an alias in tsconfig.json is for the compiler only: write the path from this file to that one, ${compiled()}`;
  if (asked !== null) return adviceOnFile(path.resolve(asked[1]), asked[2]);
  const required = /^Cannot find module '(\.{1,2}\/[^']*)'/.exec(message);
  const importer = Array.isArray(error.requireStack) ? error.requireStack[0] : undefined;
  return required === null || importer === undefined ? '' : adviceOnFile(path.resolve(path.dirname(importer), required[1]), importer);
}

function adviceOnFile(wanted, importer) {
  const [, stem, kind] = /^(.*?)(?:\.([mc]?)jsx?)?$/.exec(wanted);
  const endings = kind === undefined ? ['.ts', '.js', '.mts', '.mjs', '.cts', '.cjs'] : [`.${kind}ts`];
  const files = endings.map(ending => stem + ending).concat(endings.map(ending => path.join(wanted, `index${ending}`)));
  const found = files.find(file => fs.existsSync(file));
  if (found === undefined) return '';
  const relative = path.relative(path.dirname(importer), found);
  return `name the file as it is: '${relative.startsWith('.') ? relative : `./${relative}`}'`;
}

// Output of a call -------------------------------------------------------------------------------------------------

/** Follows a call through its promises and timers. */
function openInvocationScope() {
  const hooks = require('async_hooks');
  return hooks.AsyncLocalStorage === undefined ? followByHand(hooks) : new hooks.AsyncLocalStorage();
}

/** What AsyncLocalStorage does, before Node 12.17: whatever starts within a call belongs to it. */
function followByHand({AsyncResource, createHook, executionAsyncId}) {
  const owners = new Map();
  const init = id => {
    const invocation = owners.get(executionAsyncId());
    if (invocation !== undefined) owners.set(id, invocation);
  };
  createHook({init, destroy: id => owners.delete(id)}).enable();
  return {
    getStore: () => owners.get(executionAsyncId()),
    run(invocation, work, ...args) {
      const resource = new AsyncResource('core.invocation');
      owners.set(resource.asyncId(), invocation);
      try {
        if (typeof resource.runInAsyncScope === 'function') return resource.runInAsyncScope(work, undefined, ...args);
        resource.emitBefore(); // before Node 9.6
        try {
          return work(...args);
        } finally {
          resource.emitAfter();
        }
      } finally {
        resource.emitDestroy();
      }
    },
  };
}

/** Undefined outside of every call, and where Node does not say: of a rejection before Node 18. */
function currentInvocation() {
  return invocations === null ? undefined : invocations.getStore();
}

function inScope(invocation, run, ...args) {
  return invocations === null ? run(...args) : invocations.run(invocation, run, ...args);
}

/** Catches process.stdout and process.stderr, and with them console: what a call writes goes to the channel, tagged. */
function tagOutput() {
  for (const name of ['stdout', 'stderr']) {
    const stream = process[name];
    const write = stream.write;
    stream.write = (chunk, ...rest) => {
      const invocation = invocations.getStore();
      if (invocation === undefined) return write.call(stream, chunk, ...rest);
      capture(invocation, name, chunk, rest[0]);
      const done = rest.find(argument => typeof argument === 'function');
      if (done !== undefined) process.nextTick(done);
      return true;
    };
  }
}

function capture(invocation, name, chunk, encoding) {
  if (invocation.output === null) invocation.output = {stdout: openLine(), stderr: openLine()};
  const line = invocation.output[name];
  const text =
    typeof chunk === 'string' && !(typeof encoding === 'string' && /^(hex|base64|latin1|binary)/i.test(encoding))
      ? chunk
      : line.decoder.write(Buffer.from(chunk, typeof encoding === 'string' ? encoding : undefined));
  const pieces = (line.rest + text).split('\n');
  line.rest = pieces.pop();
  for (const piece of pieces) writeLine(invocation, name, piece);
  if (line.rest.length > LINE_MAX_CHARS || (invocation.isDone && line.rest !== '')) {
    writeLine(invocation, name, line.rest);
    line.rest = '';
  }
}

function openLine() {
  return {rest: '', decoder: new StringDecoder('utf8')};
}

function flushOutput(invocation) {
  for (const name of ['stdout', 'stderr']) {
    const line = invocation.output[name];
    const rest = line.rest + line.decoder.end();
    line.rest = '';
    if (rest !== '') writeLine(invocation, name, rest);
  }
}

function writeLine(invocation, stream, line) {
  const traceId = traceIdOf(invocation);
  for (let from = 0; from === 0 || from < line.length; from += LINE_MAX_CHARS) {
    channel.write({log: {stream, invocationId: invocation.id, traceId, line: line.substr(from, LINE_MAX_CHARS)}});
  }
}

function traceIdOf(invocation) {
  const traceparent = invocation.trace == null ? undefined : invocation.trace.traceparent;
  return typeof traceparent === 'string' ? traceparent.split('-')[1] : undefined;
}

/** An error that was thrown, as one record. Without a channel its lines go to stderr. @param {string} [advice] behind its title */
function logError(invocation, prefix, error, story, advice) {
  const stack = story || stackOf(error);
  if (channel === null) return writeStderr(`${prefix}${stack}\n`);
  const ids = invocation === undefined ? {} : {invocationId: invocation.id, traceId: traceIdOf(invocation)};
  const line = `${prefix}${titleOf(error)}${advice || ''}`.substr(0, TITLE_MAX_CHARS);
  channel.write({
    log: Object.assign({stream: 'stderr', level: 'error', line}, ids, {stack: withoutBridge(stack).substr(0, LINE_MAX_CHARS)}),
  });
}

/** What an error is called: `TypeError: no luck`. */
function titleOf(error) {
  try {
    if (error !== null && typeof error === 'object' && typeof error.stack === 'string') return String(error);
  } catch (_) {
    // a getter that throws
  }
  return messageOf(error);
}

/** Leaves out the frames of the bridge and those that called it: they tell nothing of the function. */
function withoutBridge(stack) {
  let isOurs = false;
  const kept = [];
  for (const line of stack.split('\n')) {
    const isFrame = FRAME.test(line);
    if (!isFrame) dropCallers(kept);
    isOurs = isFrame && (isOurs || line.includes(__filename));
    if (!isOurs) kept.push(line);
  }
  dropCallers(kept);
  return kept.join('\n');
}

/** What Node did for the bridge, such as loading a module, stands above its frames; one frame is left. */
function dropCallers(lines) {
  while (FRAME.test(lines[lines.length - 2]) && /\bnode:(?:internal\/|diagnostics_channel)/.test(lines[lines.length - 1])) lines.pop();
}

/**
The core's end of the descriptor. Never waits for the reader: past 8 MiB unread, lines are dropped, and their
number is reported as soon as the reader has caught up. A reader that is gone costs the lines, not the process.
*/
function openChannel(fd) {
  if (!Number.isInteger(fd) || fd < 0) return null;
  let stream;
  try {
    // Nothing is read from it before SIGTERM: it may be a pipe that can only be written.
    stream = new net.Socket({fd, readable: true, writable: true, allowHalfOpen: true, pauseOnCreate: true});
    stream.unref();
  } catch (_) {
    stream = fs.createWriteStream('', {fd, autoClose: false}); // a file, in somebody's experiment
  }
  let isOpen = true;
  let dropped = 0;
  stream.on('error', () => {
    isOpen = false;
  });
  stream.on('drain', tellDropped);
  return {
    write(record) {
      if (!isOpen) return;
      if (record.log !== undefined && unsentBytes(stream) > CHANNEL_MAX_BYTES) {
        dropped++;
        return;
      }
      tellDropped();
      stream.write(`${JSON.stringify(record)}\n`);
    },
    /** Told when the core has ended its side, or when nobody can tell. */
    onLetGo(told) {
      for (const event of ['end', 'error', 'close']) stream.once(event, told);
      if (isOpen && stream instanceof net.Socket) stream.resume();
      else told();
    },
    end(done) {
      if (!isOpen) return done();
      setTimeout(done, 3000); // the reader may have stopped reading, and the core ends this process after 5 s
      tellDropped();
      stream.end(done);
    },
  };

  function tellDropped() {
    if (dropped === 0) return;
    stream.write(`${JSON.stringify({dropped})}\n`);
    dropped = 0;
  }
}

// Traces -----------------------------------------------------------------------------------------------------------

/** Where @opentelemetry/api 1.x keeps what the function's own SDK registered; absent, there is nothing to do. */
const otelGlobal = Symbol.for('opentelemetry.js.api.1');
const globalThisObject = global;
let otelApi;

function callInTrace(event, context, callback) {
  if (otelApi === undefined) {
    try {
      otelApi = require(require.resolve('@opentelemetry/api', {paths: [path.dirname(handlerFile)]}));
    } catch (_) {
      otelApi = null;
    }
  }
  let active = null;
  try {
    if (otelApi !== null) active = otelApi.propagation.extract(otelApi.context.active(), context.trace || {});
  } catch (_) {
    active = null; // a broken propagator must not break the call
  }
  if (active === null) return handler(event, context, callback);
  context[INVOCATION].traceContext = active;
  return otelApi.context.with(active, handler, undefined, event, context, callback);
}

/** Spans of a piece belong to the call, too. */
function inTrace(invocation, run) {
  return invocation.traceContext === null ? run() : otelApi.context.with(invocation.traceContext, run);
}

start();
