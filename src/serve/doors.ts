import {type Environment, parseSettings, type Settings} from '../settings/setting.ts';
import type {House, OpenTrigger, TriggerPlugin} from '../trigger.ts';

/** Every trigger, open. */
export interface OpenDoors extends OpenTrigger {
  /** Where the function answers. */
  readonly url: string;
}

/**
Opens every trigger in the order of the table: the public port stands first, so that a core that cannot have it fires
nothing. Closing closes all at once: nothing new comes in by one while another waits for what is in flight.
*/
export async function openDoors<H extends House>(
  table: Readonly<Record<string, TriggerPlugin<Settings, H>>>,
  env: Environment,
  house: H,
): Promise<OpenDoors> {
  const opened: OpenTrigger[] = [];
  const close = async () => {
    const closings = await Promise.allSettled(opened.map(trigger => trigger[Symbol.asyncDispose]()));
    const failed = closings.find(({status}) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  };
  try {
    for (const trigger of Object.values(table)) opened.push(await trigger.open(parseSettings(trigger.settings, env), house));
  } catch (error) {
    await close();
    throw error;
  }
  const schedules = opened.find(trigger => trigger.schedules)?.schedules;
  return {url: opened.find(({url}) => url !== undefined)?.url ?? '', ...(schedules && {schedules}), [Symbol.asyncDispose]: close};
}
