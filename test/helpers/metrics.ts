import {readdir, readFile} from 'node:fs/promises';
import path from 'node:path';
import {projectFile} from './core.ts';

/** The sources that spell the names of all metrics. */
export async function metricSources(): Promise<string> {
  const folder = projectFile('src/observe/metrics');
  const files = await readdir(folder);
  return (await Promise.all(files.map(file => readFile(path.join(folder, file), 'utf8')))).join('\n');
}
