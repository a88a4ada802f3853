/** @typedef {'signed-out' | 'gone' | 'refused'} FailureKind */

/** Why the core did not do what was asked. `gone`: it does not answer; with a status, somebody between says why. `refused`: it said no, in its own sentence. */
export class Failure extends Error {
  /**
   * @param {FailureKind} kind
   * @param {string} message
   * @param {number} [status] of the answer; 0 when there was none
   * @param {any} [body] of the answer
   */
  constructor(kind, message, status = 0, body = undefined) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.body = body;
  }
}

/**
 * Asks the core, and parses its answer.
 *
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 * @throws {Failure}
 */
export async function ask(path, options = {}) {
  const response = await send(path, {...options, headers: {Accept: 'application/json', ...options.headers}});
  const text = await response.text();
  const body = parse(text);
  if (response.ok) return body;
  throw failureOf(response, body, text);
}

/**
 * @param {string} path
 * @param {object} [body]
 */
export const post = (path, body) =>
  ask(path, {method: 'POST', ...(body && {headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)})});

/**
 * The bytes at a path, with the answer's header fields.
 *
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
export async function askBytes(path, signal) {
  const response = await send(path, signal ? {signal} : {});
  if (response.ok) return {bytes: new Uint8Array(await response.arrayBuffer()), headers: response.headers};
  const text = await response.text();
  throw failureOf(response, parse(text), text);
}

/**
 * @param {string} path
 * @param {RequestInit} options
 */
async function send(path, options) {
  try {
    return await fetch(path, {cache: 'no-store', ...options});
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Failure('gone', 'The core does not answer.');
  }
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param {Response} response
 * @param {any} body
 * @param {string} text
 */
function failureOf({status}, body, text) {
  const message = body?.error?.message ?? (text.slice(0, 500) || `The core answered with status ${status}.`);
  return new Failure(kindOf(status, body?.error?.code), message, status, body);
}

/**
 * @param {number} status
 * @param {unknown} code
 * @returns {FailureKind}
 */
function kindOf(status, code) {
  if (code === 'CORE_GONE') return 'gone';
  return status === 401 ? 'signed-out' : 'refused';
}
