import {flag, json, optional, several, text, withLetter} from '../command/arguments.ts';
import type {Pair} from '../invoke/input.ts';

export const invokeArguments = {
  function: optional('one path', 'Handler file, folder of the function, program, or serverless.yml. By default the current folder.'),
};

export const invokeOptions = {
  name: text('<function>', 'Function of the serverless.yml, where that has several.'),
  data: withLetter('d', text('<text|@file>', 'Body of the request; @- reads it from stdin. It makes the method POST.')),
  method: withLetter('X', {
    doc: 'Method of the request. By default GET, or POST with a body.',
    value: '<method>',
    expected: 'a method such as GET or POST',
    read: (given: string | undefined) => (given !== undefined && /^[A-Za-z]{1,20}$/.test(given) ? given.toUpperCase() : undefined),
  }),
  path: text('<path>', 'Path of the request, with a query if it has one. By default /.'),
  header: withLetter('H', several('<Name: value>', 'a header such as `Accept: text/html`', 'Header of the request.', headerOf)),
  query: several('<name=value>', 'a name and a value such as page=2', 'Parameter of the query.', queryOf),
  event: text('<file>', 'JSON of a whole event, such as a function logged; the other options replace its parts.'),
  cron: flag('Call the function as a schedule does, with the body as its input.'),
  'env-file': text('<file>', 'File with variables for the function, instead of .env in its folder.'),
  include: withLetter('i', flag('Print status and headers on stdout too, before the body.')),
  raw: flag('Print the bytes of the body as they are on a terminal, too.'),
  json,
};

function headerOf(given: string): Pair | undefined {
  const [, name, value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/s.exec(given) ?? [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no server takes these in a header
  return name === undefined || /[\x00-\x08\x0a-\x1f\x7f]/.test(value) ? undefined : [name, value];
}

function queryOf(given: string): Pair | undefined {
  const at = given.indexOf('=');
  return at < 1 ? undefined : [given.slice(0, at), given.slice(at + 1)];
}
