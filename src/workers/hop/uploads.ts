import {protocolBroken} from '../../hop/fault.ts';
import type {CallEnd} from '../../hop/hop.ts';
import type {OpenBody, OpenRequest} from '../../passing.ts';
import type {ChannelCall} from './channel-call.ts';
import type {FrameWriter} from './frame-writer.ts';
import {Upload} from './upload.ts';

/** The bodies that are on their way on a channel, each as fast as it is read. */
export class Uploads {
  readonly #writer: FrameWriter;
  readonly #open = new Set<Upload>();

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  /** Sends a call without its body, which follows. */
  begin(call: ChannelCall, json: string, request: OpenRequest, body: OpenBody): void {
    const {number} = call;
    const writer = this.#writer;
    writer.open(number, json);
    call.upload = new Upload(request, body, {
      get isBehind() {
        return writer.isBehind;
      },
      send: bytes => writer.body(number, bytes),
      sent: () => writer.bodyEnd(number),
      failed: fault => call.broken(fault),
    });
    this.#open.add(call.upload);
    call.upload.start();
  }

  /** The bridge reads again. */
  goOn(): void {
    for (const upload of [...this.#open]) upload.goOn();
  }

  /** Its call is over. */
  delete(upload: Upload): void {
    this.#open.delete(upload);
  }

  clear(): void {
    this.#open.clear();
  }
}

/** A call of whose body nothing can be sent: nothing of it was. */
export function refused(ended: (end: CallEnd) => void): Error {
  ended({mayRun: false, sentWhole: false, broke: false, byHost: false, answered: false, isOver: true});
  return protocolBroken('CORE_PROTOCOL=stream is for functions that read bodies as they come, and this one does not');
}
