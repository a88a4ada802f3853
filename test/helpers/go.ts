import {spawnSync} from 'node:child_process';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** What takes long to build is kept between runs, outside of the project. */
export const cache = process.env.CORE_TEST_CACHE ?? join(tmpdir(), 'core-runtime-cache');

/** Go as new as the collector and Kustomize ask for. */
export const hasGo = isRecent(spawnSync('go', ['version'], {encoding: 'utf8'}).stdout ?? '');

function isRecent(told: string): boolean {
  const [, major = 0, minor = 0] = /go(\d+)\.(\d+)/.exec(told) ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 26);
}
