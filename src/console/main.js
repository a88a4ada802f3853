import htm from 'htm';
import {h, render} from 'preact';

const html = htm.bind(h);
const place = document.querySelector('#console');
if (place)
  render(html`<p>The API of this core: <a href="/api/invocations">invocations</a>, <a href="/api/schedules">schedules</a>.</p>`, place);
