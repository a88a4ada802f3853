import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {type Bridge, type BridgeOptions, functionFile, startBridge} from './bridge.ts';

export const pythonBridge = fileURLToPath(new URL('../../runtimes/python/bridge.py', import.meta.url));

/** One version of Python, for suites that hold for every one. */
export interface Python {
  /** Shown before every title. */
  title: string;
  binary: string;
  /** It knows `async def`. */
  isThree: boolean;
  /** How the cases of {@link checkOf} call it. */
  hops: readonly Hop[];
}

const ways = {http: 'over HTTP', channel: 'on the channel'} as const;

type Hop = keyof typeof ways;
type Body = (t: ExecutionContext) => Promise<void>;

/** A case that holds however the bridge is called. */
export function bothWays(title: string, body: Body): void {
  for (const hop of ['http', 'channel'] as const) check(title, hop, body);
}

/** The same for one version. */
export const checkOf =
  ({title: version, hops}: Python) =>
  (title: string, body: Body): void => {
    for (const hop of hops) check(`${version}: ${title}`, hop, body);
  };

function check(title: string, hop: Hop, body: Body): void {
  test.serial(`${title} (${ways[hop]})`, async t => {
    t.context = {hop};
    await body(t);
  });
}

/** How the case that runs calls its bridge. */
export const hopOf = (t: ExecutionContext): Hop => (t.context as {hop?: Hop}).hop ?? 'http'; // set by check

/** Starts the bridge with a handler file of the test's own. */
export async function startPython(t: ExecutionContext, python: Python, text: string, more: Partial<BridgeOptions> = {}): Promise<Bridge> {
  const path = await functionFile(t, 'handler.py', text);
  return startBridge(t, {binary: python.binary, bridge: pythonBridge, path, hop: hopOf(t), ...more});
}

/** `def`, and `async def` where it exists. */
export const keywordsOf = ({isThree}: Python): string[] => (isThree ? ['def', 'async def'] : ['def']);
