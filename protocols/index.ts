import type {Protocol} from '../src/protocol.ts';
import {event} from './event/index.ts';
import {http} from './http/index.ts';
import {stream} from './stream/index.ts';

/** Every way to speak to a sub-runtime, by the name that CORE_PROTOCOL takes. */
export const protocols = {event, stream, http} satisfies Record<string, Protocol>;
