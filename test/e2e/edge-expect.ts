import {edgeSuite, get, next, post, refused, served, smuggled} from '../helpers/edge-suite.ts';

edgeSuite([
  served('Expect: 100-continue', post('Expect: 100-continue\r\nContent-Length: 3\r\n', 'abc')),
  served('Expect: 100-Continue, twice', post('Expect: 100-Continue\r\nExpect: 100-continue\r\nContent-Length: 3\r\n', 'abc')),
  served('Expect without a body', get('Expect: 100-continue\r\n')),
  served('Expect without a body, and a request behind it', `${get('Expect: 100-continue\r\n')}${next}`, {gets: [200, 200], runs: 2}),
  served('Expect in HTTP/1.0 is ignored', 'POST @ HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc', {closes: true}),
  served('an unknown Expect in HTTP/1.0 is ignored', 'POST @ HTTP/1.0\r\nExpect: miracles\r\nContent-Length: 3\r\n\r\nabc', {closes: true}),
  refused('an unknown Expect', post('Expect: miracles\r\nContent-Length: 3\r\n', `abc${smuggled}`), 417),
  refused('an Expect with a known part', post('Expect: 100-continue, miracles\r\nContent-Length: 3\r\n', `abc${smuggled}`), 417),
  refused('an Expect that only holds the word', post('Expect: x-100-continue-x\r\nContent-Length: 3\r\n', `abc${smuggled}`), 417),
  refused('Expect with a body over the limit', post('Expect: 100-continue\r\nContent-Length: 7000000\r\n'), 413),
]);
