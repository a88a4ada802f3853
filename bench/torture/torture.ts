import {systemClock} from '../../src/clock.ts';
import {callAtRate, type Told} from './callers.ts';
import {Gateway, type Other} from './gateway.ts';
import {judge} from './judge.ts';
import type {Findings, Phase} from './phase.ts';

export interface Tortured {
  readonly findings: Findings;
  /** Why calls were lost, counted. */
  readonly causes: ReadonlyMap<string, number>;
  /** The bounds that did not hold, as sentences. */
  readonly broken: readonly string[];
}

const sampleMs = 250;
/** Idle connections of the hop close after 4 s. */
const restMs = 6000;
const longestRestMs = 15_000;
const recoveryMs = 60_000;

/** Runs a phase against a gateway of its own for some seconds, and judges what came of it. */
export async function torture(phase: Phase, seconds: number, other?: Other): Promise<Tortured> {
  await using stack = new AsyncDisposableStack();
  const env = {...phase.env, ...(await phase.prepare?.(stack))};
  const gateway = stack.use(await Gateway.start({env, descriptors: phase.descriptors, other}));
  const before = gateway.descriptors;
  await using watching = watch(gateway);
  const over = AbortSignal.timeout(seconds * 1000);
  const [told] = await Promise.all([callAtRate(() => gateway.url, phase.others, over), phase.attack(gateway, over)]);
  const answersAfterMs = await gateway.answersWithin(recoveryMs);
  const own = await phase.after?.(gateway);
  await systemClock.sleep(restMs);
  await comesBack(() => gateway.descriptors <= before);
  const {cores} = gateway.look();
  const descriptors = gateway.descriptors - before;
  const died = Number(gateway.isDead);
  await watching[Symbol.asyncDispose]();
  if (!gateway.isDead) await gateway.stop();
  const {peaks} = gateway;
  await comesBack(() => peaks.left.length === 0);
  const findings: Findings = {
    ...answersOf(told),
    recoveryMs: answersAfterMs ?? Number.NaN,
    functions: peaks.functions,
    orphans: peaks.left.length,
    zombies: peaks.zombies,
    coreMiB: peaks.coreMiB,
    groupMiB: peaks.groupMiB,
    restMiB: cores.length === 0 ? Number.NaN : Math.max(...cores.map(({bytes}) => bytes)) / 2 ** 20,
    descriptors,
    died,
    ...own,
  };
  return {findings, causes: told.causes, broken: judge(findings, phase.bounds)};
}

/** Waits for what may take a while on a busy machine; what did not come back by then is found. */
async function comesBack(isBack: () => boolean): Promise<void> {
  const untilMs = systemClock.monotonic() + longestRestMs;
  while (!isBack() && systemClock.monotonic() < untilMs) await systemClock.sleep(sampleMs);
}

/** Samples until it is disposed. */
function watch(gateway: Gateway): AsyncDisposable {
  const over = new AbortController();
  const watching = (async () => {
    do gateway.sample();
    while (await systemClock.sleep(sampleMs, over.signal));
  })();
  return {
    [Symbol.asyncDispose]() {
      over.abort();
      return watching;
    },
  };
}

function answersOf({outcomes, slowestMs, gapMs}: Told) {
  const {good = 0, badGateway = 0, unavailable = 0, late = 0, other = 0, refused = 0, hung = 0, lost = 0} = Object.fromEntries(outcomes);
  const calls = good + badGateway + unavailable + late + other + hung + lost;
  return {calls, good, badGateway, unavailable, late, other, refused, hung, lost, goodShare: calls && good / calls, slowestMs, gapMs};
}
