import net from 'node:net';
import {StringDecoder} from 'node:string_decoder';

const longestLineChars = 65_536;
/** Past so many bytes that nobody has read, lines are dropped. */
const unreadMaxBytes = 8 * 2 ** 20;

/** The descriptor for reports and log lines. It never waits for its reader. */
export class Reports {
  #socket;
  #dropped = 0;

  constructor(fd) {
    this.#socket = new net.Socket({fd, readable: true, writable: true, allowHalfOpen: true});
    this.#socket.on('error', () => {}); // a reader that is gone costs the lines only
    this.#socket.on('drain', () => this.#tellDropped());
    this.#socket.unref();
  }

  write(record) {
    if (record.log !== undefined && this.#socket.writableLength > unreadMaxBytes) {
      this.#dropped++;
      return;
    }
    this.#tellDropped();
    this.#socket.write(`${JSON.stringify(record)}\n`);
  }

  /** An error that the function reported: one record, with its stack. */
  error(call, line, stack) {
    const cut = text => text.slice(0, longestLineChars);
    this.write({log: {stream: 'stderr', level: 'error', ...call, line: cut(line), ...(stack && {stack: cut(stack)})}});
  }

  /** Resolves once everything has left, or after a second. */
  close() {
    this.#tellDropped();
    return new Promise(resolve => {
      setTimeout(resolve, 1000);
      this.#socket.end(resolve);
    });
  }

  /** Writes each line of an output of the client. @param callOf the ids of the call that it belongs to, if any */
  follow(stream, source, callOf) {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    const write = line => {
      for (let from = 0; from === 0 || from < line.length; from += longestLineChars)
        this.write({log: {stream, ...callOf(), line: line.slice(from, from + longestLineChars)}});
    };
    source.on('data', chunk => {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop();
      for (const line of lines) write(line);
      if (rest.length <= longestLineChars) return;
      write(rest);
      rest = '';
    });
    source.on('end', () => {
      if (rest !== '') write(rest);
    });
  }

  #tellDropped() {
    if (this.#dropped === 0) return;
    this.#socket.write(`${JSON.stringify({dropped: this.#dropped})}\n`);
    this.#dropped = 0;
  }
}
