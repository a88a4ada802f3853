import {fuzzRequest, openTrigger} from './fuzz/requests.ts';
import {counts, seconds, seed} from './fuzz/run.ts';
import {fuzzSlice} from './fuzz/slices.ts';
import {fuzzTarget} from './fuzz/targets.ts';

/*
Sends garbage to everything that reads strangers' bytes, and compares with a second reader of the same bytes: slices of JSON with
JSON.parse and with another scanner; requests on real sockets with a strict parser; targets with another decoder.
Stops at the first difference and prints it with its seed.

    node bench/fuzz.ts [seconds] [seed]
*/

const until = performance.now() + seconds * 1000;
console.log(`seed ${seed}, ${seconds} s`);
const trigger = await openTrigger();
while (performance.now() < until) {
  for (let round = 0; round < 500; round++) {
    fuzzSlice();
    fuzzTarget();
  }
  await Promise.all(Array.from({length: 40}, () => fuzzRequest(trigger)));
}
await trigger[Symbol.asyncDispose]();
console.log(counts);
process.exit(0);
