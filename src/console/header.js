import {ask} from './api.js';
import {html} from './html.js';
import {folderOf, linkTo} from './route.js';

/**
 * @param {{
 *   now: import('./answers.js').NowAnswer | undefined,
 *   failure: import('./api.js').Failure | undefined,
 *   views: Record<string, {title: string}>,
 *   current: {title: string},
 *   isSignedIn: boolean,
 *   onSignedOut: () => void,
 * }} props
 */
export function Header({now, failure, views, current, isSignedIn, onSignedOut}) {
  const signOut = async () => {
    await ask(`api/session?${new URLSearchParams({folder: folderOf(location.pathname)})}`, {method: 'DELETE'}).catch(() => {}); // the next line finds out
    onSignedOut();
  };
  return html`<header class="top">
    <p class="brand">
      <img src="./console/icon.svg" alt="" width="18" height="18" />
      <b>${now?.function.name || 'core-runtime'}</b>
      <${Phase} now=${now} isGone=${failure?.kind === 'gone'} />
    </p>
    <nav aria-label="Views">
      <ul>
        ${Object.entries(views).map(
          ([key, each]) => html`<li><a href=${linkTo(key)} aria-current=${each === current ? 'page' : undefined}>${each.title}</a></li>`,
        )}
      </ul>
    </nav>
    ${isSignedIn && html`<button type="button" class="quiet" onClick=${signOut}>Sign out</button>`}
  </header>`;
}

/** @param {{now: import('./answers.js').NowAnswer | undefined, isGone: boolean}} props */
function Phase({now, isGone}) {
  const word = isGone ? 'gone' : (now?.readiness.phase ?? 'asking');
  const tone = isGone ? 'bad' : !now ? 'dim' : now.readiness.ready ? 'good' : /broken|gave-up|exited/.test(word) ? 'bad' : 'warn';
  return html`<span class="pill ${tone}"><span class="sr">State: </span>${word}</span>`;
}
