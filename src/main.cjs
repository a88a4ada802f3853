#!/usr/bin/env node
'use strict';

/*
`node src/main.ts`: the name is a link to this file. An old Node refuses a file in TypeScript before it reads a line of it,
but it follows the link, and runs this; it says what is needed, or starts the Node that was installed with the project.
*/

require('../bin/launch.cjs')('entrypoint');
