import type {FunctionLine} from '../log.ts';
import type {HttpReply} from '../runtime.ts';
import type {Script} from './script.ts';

export interface CallOptions {
  /** The `handlerPath` in the request; by default the right one. A call on the channel has none. */
  readonly handlerPath?: string;
  readonly invocationId?: string;
}

/** A sub-runtime under test: a process of its own, never started again, called over HTTP or on the channel. */
export abstract class Caller implements AsyncDisposable {
  readonly lines: FunctionLine[] = [];
  /** Milliseconds from spawn until it was ready. */
  bootMs = 0;
  /** Why the handler was not loaded, as it reported. */
  loadError: string | undefined;

  abstract call(script: Script, options?: CallOptions): Promise<HttpReply>;

  /** Whether it has ended, or ends within `ms`. Its calls break off before its end is reported. */
  abstract endsWithin(ms: number): Promise<boolean>;

  /** False when it has ended, or does so within `ms`, or cannot be called any more. */
  async isUsable(ms: number): Promise<boolean> {
    return !(await this.endsWithin(ms));
  }

  /** @throws Error when a case left behind what breaks the protocol */
  async settle(): Promise<void> {}

  /** TERM, and KILL after 5 s. @returns what ended it: a signal, or `exit code N` */
  abstract stop(): Promise<string>;

  abstract [Symbol.asyncDispose](): Promise<void>;

  /**
  The reply's body as it stands.

  @throws Error when the status is not 200–299
  */
  async returns(script: Script, options?: CallOptions): Promise<string> {
    return success(await this.call(script, options));
  }

  /** A text that the function returned, as the core reads it: parsed if the reply says that it is JSON, else as it is. */
  async text(script: Script, options?: CallOptions): Promise<string> {
    const reply = await this.call(script, options);
    const body = success(reply);
    if (!isJson(reply)) return body;
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'string') throw new Error(`expected a JSON string, got ${body.slice(0, 80)}`);
    return value;
  }
}

export const isJson = ({contentType}: HttpReply) => /^application\/json\b/i.test(contentType);

function success({status, body}: HttpReply): string {
  const text = body.toString('utf8');
  if (status < 200 || status > 299) throw new Error(`expected status 200, got ${status}: ${text.slice(0, 200).trim()}`);
  return text;
}
