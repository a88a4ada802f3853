import {Functions} from './functions.js';
import {Header} from './header.js';
import {html, useEffect, useRef} from './html.js';
import {later} from './later.js';
import {usePolled} from './polled.js';
import {usePlace} from './route.js';
import {SignIn} from './sign-in.js';
import {GoneLine, Waiting} from './status.js';
import {Invocations} from './views/invocations.js';
import {Now} from './views/now.js';
import {Processes} from './views/processes.js';
import {Schedules} from './views/schedules.js';
import {Settings} from './views/settings.js';

/** @typedef {import('./answers.js').NowAnswer} NowAnswer */
/** @typedef {import('./route.js').Place} Place */
/** @typedef {{now: import('./polled.js').Polled<NowAnswer>, place: Place}} ViewProps */

const views = {
  now: {title: 'Now', View: Now},
  invocations: {title: 'Invocations', View: Invocations},
  work: {title: 'Work', View: later(() => import('./views/work/view.js'), 'The work')},
  messages: {title: 'Messages', View: later(() => import('./views/messages.js'), 'The messages')},
  schedules: {title: 'Schedules', View: Schedules},
  processes: {title: 'Processes', View: Processes},
  settings: {title: 'Settings', View: Settings},
};

/** The views of work and of messages only where there are any. @param {NowAnswer | undefined} now */
function viewsOf(now) {
  const {work, messages, ...others} = views;
  return Object.fromEntries(Object.entries(views).filter(([key]) => key in others || (key === 'work' ? now?.work : now?.messages)));
}

/** The page: who may see it, what the core is, and the view that the address names. */
export function App() {
  const session = usePolled('api/session', 0);
  const {data, failure, again} = session;
  const place = usePlace();
  const functions = html`<${Functions} view=${place.view} />`;
  if (!data) return html`${functions}<main class="alone"><${Waiting} failure=${failure} what="The console" /></main>`;
  if (data.needed && !data.signedIn) return html`${functions}<${SignIn} onDone=${again} />`;
  return html`<${Console} place=${place} isSignedIn=${data.needed} onSignedOut=${again} />`;
}

/** @param {{place: Place, isSignedIn: boolean, onSignedOut: () => void}} props */
function Console({place, isSignedIn, onSignedOut}) {
  const now = usePolled('api/now', 1000);
  const view = views[/** @type {keyof typeof views} */ (place.view)] ?? views.now;
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const name = now.data?.function.name || 'core-runtime';
  const isRefused = now.failure?.status === 403 || now.failure?.status === 401;

  useEffect(() => {
    document.title = `${view.title} · ${name}`;
  }, [view, name]);
  useEffect(() => {
    // A cookie that ran out looks like this.
    if (isRefused) onSignedOut();
  }, [isRefused, onSignedOut]);

  return html`
    <a class="skip" href="#content" onClick=${(/** @type {Event} */ event) => {
      event.preventDefault();
      main.current?.focus();
    }}>Skip to the content</a>
    <${Functions} view=${place.view} />
    <${Header} now=${now.data} failure=${now.failure} views=${viewsOf(now.data)} current=${view} isSignedIn=${isSignedIn} onSignedOut=${onSignedOut} />
    <${GoneLine} failure=${now.failure} />
    <main id="content" tabindex="-1" ref=${main}>
      <h1>${view.title}</h1>
      <${view.View} now=${now} place=${place} />
    </main>
  `;
}
