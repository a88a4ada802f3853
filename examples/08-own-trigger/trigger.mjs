import {access, readdir, readFile, rename, unlink} from 'node:fs/promises';
import {join} from 'node:path';

/** Each file that is put into a folder is a message. It is removed when the function has handled it. */
export const trigger = {
  contract: 1,

  read({folder, everyMs = 1000, ...others}) {
    const [other] = Object.keys(others);
    if (other !== undefined) throw new Error(`expected only folder and everyMs, got \`${other}\``);
    if (typeof folder !== 'string') throw new Error(`expected folder to be a path, got \`${folder}\``);
    if (typeof everyMs !== 'number') throw new Error(`expected everyMs to be a number, got \`${everyMs}\``);
    return {folder, everyMs};
  },

  async open({folder, everyMs}, house) {
    await access(folder);
    let problem;
    const closing = new AbortController();
    const running = run();
    return {
      problem: () => problem,
      async [Symbol.asyncDispose]() {
        closing.abort(); // no file is taken after this line
        await running; // the one that is being handled is finished
      },
    };

    async function run() {
      while (await house.clock.sleep(everyMs, closing.signal)) {
        try {
          await takeAll();
          problem = undefined;
        } catch (error) {
          problem = `the folder cannot be read: ${error.message}`; // meanwhile /readyz says so
        }
      }
    }

    async function takeAll() {
      for (const name of await readdir(folder)) {
        if (closing.signal.aborted) return;
        if (name.startsWith('.') || name.endsWith('.failed')) continue;
        const file = join(folder, name);
        const delivery = new FileDelivery(house.name, name, await readFile(file));
        await house.deliver(delivery);
        const {fault} = delivery.result;
        if (!fault) await unlink(file);
        else if (fault.reached) await rename(file, `${file}.failed`); // what did not reach the function is taken again
      }
    }
  },
};

class FileDelivery {
  writeAhead = true; // it is recorded before the function runs
  signal = new AbortController().signal; // nobody ever stops waiting
  result;
  #name;
  #body;

  constructor(source, name, body) {
    this.source = source;
    this.principal = {subject: source}; // who may write to the folder may call the function
    this.#name = name;
    this.#body = body;
  }

  subject() {
    return {trigger: 'other', name: this.source};
  }

  async input() {
    return {
      shape: 'message',
      eventType: 'inbox',
      reply: 'outcome',
      contentType: '',
      attributes: ['File-Name', this.#name],
      body: this.#body,
    };
  }

  reply(result) {
    this.result = result;
  }
}
