import {protocolBroken, wrongCoding} from '../../src/hop/fault.ts';
import {isText, readFields} from './field-lines.ts';

/** The head of an answer, or of an interim one. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** Name, value, name, value … as received. */
  readonly fields: readonly string[];
  /** How many bytes the body has. */
  readonly length: number | 'chunked' | 'until the end';
  /** What it offers to speak, or speaks from now on. */
  readonly upgrade: string | undefined;
  /** It is the first thing of another protocol: what follows is no HTTP. */
  readonly isSwitch: boolean;
  /** How long its connection may wait for the next request, in milliseconds; 0: it is the last of its connection. */
  readonly keepMs: number;
}

/** A server that says for how long it keeps a connection is left this much earlier. */
const earlierMs = 1000;

/** What the fields say of the message and its connection. */
interface Framing {
  length: string | undefined;
  coding: string | undefined;
  upgrade: string | undefined;
  closes: boolean;
  keeps: boolean;
  switches: boolean;
  keptS: string | undefined;
}

/**
Reads the head of an answer. It is stricter than RFC 9112 asks of a recipient, as what two readers may read in two ways is what request
smuggling is made of: no line without CR, no folded line, one length, one coding, and never both.

@param text latin1 text of its bytes, with the empty line that ends it
@param isOfHead it answers HEAD: whatever it says, it has no body
@throws Fault UPSTREAM_PROTOCOL
*/
export function readHead(text: string, isOfHead: boolean): AnswerHead {
  const lineEnd = text.indexOf('\r\n');
  const minor = text.charCodeAt(7) - zero;
  const status = statusIn(text);
  if (!text.startsWith('HTTP/1.') || (minor !== 0 && minor !== 1) || status === -1 || (lineEnd !== 12 && text[12] !== ' '))
    throw protocolBroken('its answer does not begin as one');
  if (status < 100) throw protocolBroken(`its answer has the status ${text.slice(9, 12)}`);
  if (!isText(text, 12, lineEnd)) throw protocolBroken('the reason of its answer has control characters');
  const fields = readFields(text, lineEnd + 2, text.length - 2);
  const framing = framingIn(fields);
  const {upgrade} = framing;
  const isSwitch = status === 101 && upgrade !== undefined && framing.switches;
  if (status === 101 && !isSwitch) throw protocolBroken('its answer has the status 101');
  const declared = lengthIn(framing);
  const length = isOfHead || status < 200 || status === 204 || status === 304 ? 0 : declared;
  const isKept = (minor === 1 ? !framing.closes : framing.keeps && framing.coding === undefined) && length !== 'until the end';
  return {status, reason: text.slice(13, lineEnd), fields, length, upgrade, isSwitch, keepMs: isKept ? keptMs(framing.keptS) : 0};
}

/** Three digits, else -1. */
function statusIn(text: string): number {
  const [hundreds, tens, ones] = [text.charCodeAt(9) - zero, text.charCodeAt(10) - zero, text.charCodeAt(11) - zero];
  return text[8] === ' ' && isDigit(hundreds) && isDigit(tens) && isDigit(ones) ? hundreds * 100 + tens * 10 + ones : -1;
}

function framingIn(fields: readonly string[]): Framing {
  const framing: Framing = {
    length: undefined,
    coding: undefined,
    upgrade: undefined,
    closes: false,
    keeps: false,
    switches: false,
    keptS: undefined,
  };
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string; // the index stays within the list
    switch (
      name.length // which alone rules out most fields
    ) {
      case 7:
      case 10:
      case 14:
      case 17:
        note(name.toLowerCase(), fields[index + 1] as string, framing);
    }
  }
  return framing;
}

function note(lower: string, value: string, framing: Framing): void {
  switch (lower) {
    case 'content-length':
      if (framing.length !== undefined) throw protocolBroken('its answer has Content-Length twice');
      framing.length = value;
      break;
    case 'transfer-encoding':
      framing.coding = framing.coding === undefined ? value : `${framing.coding}, ${value}`;
      break;
    case 'upgrade':
      framing.upgrade ??= value;
      break;
    case 'keep-alive':
      framing.keptS = value;
      break;
    case 'connection':
      noteConnection(value.toLowerCase(), framing);
  }
}

function noteConnection(value: string, framing: Framing): void {
  if (value === 'keep-alive') {
    framing.keeps = true;
    return;
  }
  for (const each of value.split(',')) {
    const word = each.trim();
    if (word === 'close') framing.closes = true;
    else if (word === 'keep-alive') framing.keeps = true;
    else if (word === 'upgrade') framing.switches = true;
  }
}

function lengthIn({length, coding}: Framing): AnswerHead['length'] {
  if (coding !== undefined) {
    if (length !== undefined) throw protocolBroken('its answer has Content-Length and Transfer-Encoding');
    if (coding.toLowerCase() !== 'chunked') throw wrongCoding(coding);
    return 'chunked';
  }
  if (length === undefined) return 'until the end';
  const bytes = digits.test(length) ? Number(length) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) throw protocolBroken('its answer has a Content-Length that is no number of bytes');
  return bytes;
}

const digits = /^\d+$/;

/** What servers say that are asked once is what they say always. */
let lastKept = '';
let lastKeptMs = Number.POSITIVE_INFINITY;

/** @param kept as in `timeout=5`, if it says so */
function keptMs(kept = ''): number {
  if (kept === lastKept) return lastKeptMs;
  const seconds = /timeout=(\d+)/i.exec(kept)?.[1];
  lastKept = kept;
  lastKeptMs = seconds === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Number(seconds) * 1000 - earlierMs);
  return lastKeptMs;
}

const zero = 0x30;
const isDigit = (value: number) => value >= 0 && value <= 9;
