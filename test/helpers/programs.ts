import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const built = process.env.CORE_TEST_BUILD;

/** What tests start: as it ships where CORE_TEST_BUILD names the folder that was built, else from the sources. */
export const mainProgram = built === undefined ? join(root, 'src/main.ts') : join(built, 'src/main.js');
export const cliProgram = built === undefined ? join(root, 'src/cli.ts') : join(built, 'src/cli.js');
