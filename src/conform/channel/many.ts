import {systemClock} from '../../clock.ts';
import type {ChannelCase} from '../case.ts';
import type {Script} from '../script.ts';
import {type Call, replyOf} from './call.ts';
import {callFrames, pieceBytes} from './frames.ts';
import type {ChannelSubRuntime} from './sub-runtime.ts';

const count = 300;
const atATime = 20;
const callMs = 20_000;
const creditEveryMs = 3;
const longestCredit = 200_000;

/** What no other case thinks of: calls of all kinds at the same time. They are the same in every run. */
export const manyCases: readonly ChannelCase[] = [
  {
    title: `${count} calls of all kinds, in pieces, some cancelled, with credit in drops, do not disturb one another`,
    over: 'channel',
    several: 'queued',
    async run(sub) {
      let begun = 0;
      const one = async () => {
        while (begun++ < count && !sub.calls.broken) await makeOne(sub, seeded(begun * 7919));
      };
      await Promise.all(Array.from({length: atATime}, one));
    },
  },
];

type Random = (below: number) => number;

/** A linear congruential generator: its numbers are the same on every machine. */
function seeded(seed: number): Random {
  let state = seed;
  return below => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

async function makeOne(sub: ChannelSubRuntime, random: Random): Promise<void> {
  const text = 'ž'.repeat(random(10) === 0 ? random(700_000) : random(2000));
  const [script, expected] = scriptOf(random, text);
  const call = sub.calls.open({credit: 'none'});
  const over = call.outcome.then(
    () => true,
    () => true,
  );
  await sendInPieces(sub, call, script, random);
  if (random(5) === 0) {
    await systemClock.sleep(random(20));
    if (sub.calls.isOpen(call)) sub.calls.cancel(call);
  }
  for (let waited = 0; !(await Promise.race([over, systemClock.sleep(creditEveryMs).then(() => false)])); waited += creditEveryMs) {
    if (waited > callMs) throw new Error(`a call did not end: ${call.received} bytes of its reply came, ${call.allowed} were allowed`);
    if (sub.calls.isOpen(call)) sub.calls.credit(call, 1 + random(longestCredit));
  }
  const outcome = await call.outcome;
  if (call.isCancelled) return;
  const {body} = replyOf(outcome);
  if (body.toString() !== expected)
    throw new Error(`expected a reply of ${expected.length} characters, got another of ${body.toString().length}`);
}

/** What a call asks for, and the reply. */
function scriptOf(random: Random, text: string): [Script, string] {
  const kind = random(6);
  if (kind === 0) return [{do: 'slow', ms: random(30)}, '"slow"'];
  if (kind === 1) return [{do: 'throw', message: text.slice(0, 500)}, text.slice(0, 500)];
  return [{do: 'return', value: text}, JSON.stringify(text)];
}

/** Some calls are cancelled before their last piece. */
async function sendInPieces(sub: ChannelSubRuntime, call: Call, script: Script, random: Random): Promise<void> {
  const frames = callFrames(call.number, sub.run(script), random(3) === 0 ? random(100) + 1 : pieceBytes, pieceBytes);
  const isCutShort = frames.length > 1 && random(8) === 0;
  if (isCutShort) frames.pop();
  for (const [at, frame] of frames.entries()) {
    call.isWhole = !isCutShort && at === frames.length - 1;
    sub.calls.write(frame);
    if (random(4) === 0) await systemClock.turn();
  }
  if (isCutShort) sub.calls.cancel(call);
}
