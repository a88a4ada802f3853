import test, {type ExecutionContext} from 'ava';
import {type Bridge, type BridgeOptions, startBridge} from './bridge.ts';

export interface Language {
  /** Shown before every title. */
  title: string;
  binary: string;
  bridge: string;
  /** The shared handlers, without extension. */
  handlers: string;
  extension: string;
  /** What a module that cannot be parsed looks like. */
  brokenText: string;
  /** False where the language cannot follow a call: lines then stay on plain stdout. */
  tags: boolean;
  /** True for a program that carries its handlers: it loads no file, and no value of its contains itself. */
  compiled?: true;
  /** How it is called: over HTTP by default, or in frames on a descriptor of its own. */
  hop?: 'http' | 'channel';
  /** Its server closes a connection after one call. */
  closes?: true;
}

export interface BridgeCases {
  readonly language: Language;
  readonly hop: 'http' | 'channel';
  /** The media type of a plain text. */
  readonly textType: string;
  check(title: string, body: (t: ExecutionContext) => Promise<void>): void;
  /** Only where the bridge is called over HTTP. */
  checkHttp(title: string, body: (t: ExecutionContext) => Promise<void>): void;
  /** Starts the bridge with one of the shared handlers. */
  start(t: ExecutionContext, name: string, more?: Partial<BridgeOptions>): Promise<Bridge>;
}

/** How the cases of one language are declared. */
export function bridgeCases(language: Language): BridgeCases {
  const {hop = 'http'} = language;
  const check: BridgeCases['check'] = (title, body) =>
    void test.serial(`${language.title}${hop === 'channel' ? ' on the channel' : ''}: ${title}`, body);
  return {
    language,
    hop,
    textType: hop === 'http' ? 'text/plain; charset=utf-8' : 'text/plain',
    check,
    checkHttp: (title, body) => void (hop === 'http' && check(title, body)),
    start: (t, name, more = {}) =>
      startBridge(t, {binary: language.binary, bridge: language.bridge, path: language.handlers, name, hop, ...more}),
  };
}

/** All that the bridge wrote so far. */
export function everything(bridge: Bridge): string {
  return bridge.output.stdout + bridge.output.stderr + bridge.logs.map(log => log.line).join('\n');
}
