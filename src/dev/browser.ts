import {spawn} from 'node:child_process';

/** The program that opens an address in the browser of the person, by platform. */
const openers: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Opens an address in the person's browser. A machine without one does nothing: the address is printed anyway. */
export function openInBrowser(url: string): void {
  const [file, ...args] = openers[process.platform] ?? ['xdg-open'];
  const child = spawn(file, [...args, url], {stdio: 'ignore', detached: true});
  child.on('error', () => {});
  child.unref();
}
