import {late} from '../late.ts';

/**
Node's HTTP module. Everybody takes it from here: to import `node:http` reads all that it exports, and so loads the
WebSocket and fetch that it offers, which takes 20 ms and 15 MB of memory.
*/
export const nodeHttp = late('node:http') as typeof import('node:http');
