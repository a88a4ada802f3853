import {access, readFile} from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import {openInBrowser} from '../../src/dev/browser.ts';
import {folderWith} from '../helpers/folder.ts';

test.serial('a machine without a browser does nothing; else the program of the platform gets the address', async t => {
  const folder = await folderWith(t, {'xdg-open': '#!/bin/sh\necho "$1" > "$0.new" && mv "$0.new" "$0.got"\n'});
  const before = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = before;
  });
  process.env.PATH = path.join(folder, 'empty');
  t.notThrows(() => openInBrowser('http://localhost:1/'));
  if (process.platform !== 'linux') return;
  process.env.PATH = `${folder}:${before}`;
  openInBrowser('http://localhost:8080/?a=1&b=2');
  const got = path.join(folder, 'xdg-open.got');
  while (
    await access(got).then(
      () => false,
      () => true,
    )
  )
    await new Promise(setImmediate);
  t.is(await readFile(got, 'utf8'), 'http://localhost:8080/?a=1&b=2\n');
});
