// Loaded into a program whose memory is measured: on SIGUSR2 its main thread says what V8 holds.
const {writeFileSync} = require('node:fs');
process.on('SIGUSR2', () => writeFileSync(process.env.MEMORY_PROBE, JSON.stringify(process.memoryUsage())));
