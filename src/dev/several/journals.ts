import {defaultJournal} from '../../journals/default.ts';
import {locationOf} from '../../journals/index.ts';
import {dataDirOf} from '../../settings/config.ts';
import type {Environment} from '../../settings/setting.ts';
import {environmentOf, type Wish} from '../wish.ts';

/**
Keeps the journals of functions apart that have one handler, and differ in their variables only: the journal of a function is found
by its handler, and only one core can hold it. The first of them has that one.

@param env of every function
@returns gives a function, by its name, a journal of its own if another has the usual one
*/
export function journalsApart(env: Environment): (name: string, wish: Wish) => Wish {
  const owners = new Map<string, string>();
  return function apart(name, wish) {
    const given = environmentOf(wish, env);
    const handlerName = given.SCW_HANDLER_NAME || 'handle';
    const key = `${wish.handlerPath}:${handlerName}`;
    const owner = owners.get(key) ?? name;
    owners.set(key, owner);
    const dataDir = dataDirOf({dataDir: given.CORE_DATA_DIR || undefined}, given);
    if (owner === name || given.CORE_JOURNAL || dataDir === undefined) return wish;
    const location = locationOf(defaultJournal(dataDir, {handlerPath: wish.handlerPath, handlerName: `${handlerName} as ${name}`}));
    return {...wish, variables: {...wish.variables, CORE_JOURNAL: location}};
  };
}
