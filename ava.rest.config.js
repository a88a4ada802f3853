import full from './ava.full.config.js';
import {byHand, servers} from './ava.parts.js';

/** Of the long suite, what CI runs beside coverage. */
export default {...full, files: [...full.files, `!test/full/@(${servers}|${byHand}).ts`]};
