import type {RuntimeAdapter} from '../src/runtime.ts';
import {lambda} from './lambda/adapter.ts';
import {node} from './node/adapter.ts';
import {php} from './php/adapter.ts';
import {python} from './python/adapter.ts';

/** Every language with a bridge of ours, and Lambda's programs, by the name that CORE_RUNTIME takes. */
export const runtimes = {node, python, php, lambda} satisfies Record<string, RuntimeAdapter>;
