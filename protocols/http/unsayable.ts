import type {IncomingMessage} from 'node:http';
import type {Fault} from '../../src/errors.ts';
import {protocolBroken, wrongCoding} from '../../src/hop/fault.ts';

/** What cannot be passed on of the head of an answer, although Node's parser takes it; undefined when nothing is wrong. */
export function unsayable({statusCode = 0, statusMessage = '', rawHeaders}: IncomingMessage): Fault | undefined {
  if (statusCode < 200) return protocolBroken(`its answer has the status ${statusCode}`); // 101 without an upgrade, 099
  if (control.test(statusMessage)) return protocolBroken('the reason of its answer has control characters');
  let coding: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length !== 17 || rawHeaders[index]?.toLowerCase() !== 'transfer-encoding') continue;
    coding = coding === undefined ? rawHeaders[index + 1] : `${coding}, ${rawHeaders[index + 1]}`;
  }
  return coding === undefined || coding.toLowerCase() === 'chunked' ? undefined : wrongCoding(coding);
}

/** Node takes them, and refuses to write them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are meant
const control = /[\x00-\x08\x0a-\x1f\x7f]/;
