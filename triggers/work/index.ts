import {ConfigurationError} from '../../src/errors.ts';
import type {ClaimingHouse, OpenTrigger, TriggerPlugin} from '../../src/trigger.ts';
import {settings} from './settings.ts';

/** Work that callers have sent and do not wait for: each attempt is a delivery. */
export const work = {
  settings,
  claimsBeside: true,

  // A journal in memory is for those who named it; where none is named, one that lasts must be there.
  needsJournal: ({work}) => work === 'on',

  async open({work, workConcurrency}, house) {
    if (work === 'off') return {async [Symbol.asyncDispose]() {}};
    const {hall} = house;
    if (!hall) throw new ConfigurationError(['CORE_WORK: expected a journal that keeps work, such as `sqlite:<path>`']);
    const {Runner} = await import('./runner.ts');
    const runner = new Runner(house, hall, {concurrency: workConcurrency ?? Math.max(1, Math.floor(house.places() / 2))});
    hall.runner = runner;
    return {
      async [Symbol.asyncDispose]() {
        await runner.close();
      },
    };
  },
} satisfies TriggerPlugin<typeof settings, ClaimingHouse, OpenTrigger>;
