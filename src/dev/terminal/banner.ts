import {columns} from '../../command/columns.ts';
import {printable} from '../../printable.ts';
import type {Ink} from './ink.ts';

/** A function that is served, as it is shown. */
export interface Shown {
  /** Set where several functions are served. */
  readonly name?: string | undefined;
  /** Its file and what is called in it: `/srv/handler.js (handle)`. */
  readonly handler: string;
  /** `Node.js 26.1.0` */
  readonly runtime: string;
  readonly url: string;
  /** Of the private listener. */
  readonly adminUrl: string;
  readonly isPublic: boolean;
  /** Why it could not be loaded. */
  readonly error?: string | undefined;
}

/** The lines that a developer reads first. A function that could not be loaded has nothing to try. */
export function banner({handler, runtime, url, adminUrl, isPublic, error}: Shown, ink: Ink): string[] {
  const rows = [
    ['function', handler],
    ['runs on', runtime],
    ['url', isPublic ? url : `${url} (private: callers need a token)`],
    ['admin', `${adminUrl}/readyz`],
    ['metrics', `${adminUrl}/metrics`],
    error === undefined
      ? ['try', `curl${isPublic ? '' : ' -H "X-Auth-Token: $TOKEN"'} '${url}/?name=you'`]
      : ['state', ink('red', 'the function could not be loaded: requests fail until it is mended')],
  ];
  const row = columns(8);
  return [
    '',
    ...rows.map(([name = '', value = '']) => `  ${row(name, error !== undefined && name === 'state' ? value : printable(value))}`),
    '',
  ];
}
