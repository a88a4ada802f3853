import full from './ava.full.config.js';
import {servers} from './ava.servers.js';

/** What coverage leaves of the long suite. */
export default {...full, files: [...full.files, `!test/full/@(${servers}).ts`]};
