import {fetchSuite} from '../helpers/fetch-suite.ts';

for (const hop of ['channel', 'http'] as const) fetchSuite({title: 'node', binary: process.execPath, hop});
