import {Away, type Message} from './transport.ts';

/** What the servers' API answers. */
export interface Answer {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: {readonly code: number; readonly err_code: number; readonly description: string};
  readonly message?: {
    readonly subject: string;
    readonly seq: number;
    readonly hdrs?: string;
    readonly data?: string;
    readonly time: string;
  };
}

/** @throws Away when it is no answer of theirs */
export function answerOf({body, code}: Message): Answer {
  if (code !== 0) throw new Away(`The servers answered with ${code}`);
  try {
    return JSON.parse(Buffer.from(body).toString()) as Answer; // the protocol of the servers
  } catch (cause) {
    throw new Away('The servers answered with something else than JSON', {cause});
  }
}
