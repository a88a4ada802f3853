import {Failure, post} from './api.js';
import {html, useState} from './html.js';
import {folderOf} from './route.js';

/**
 * Asks for the token, which the core exchanges for a cookie that no script can read.
 *
 * @param {{onDone: () => void}} props
 */
export function SignIn({onDone}) {
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    setBusy(true);
    setProblem('');
    try {
      await post('api/session', {token: String(new FormData(form).get('token')), folder: folderOf(location.pathname)});
      onDone();
    } catch (error) {
      setProblem(error instanceof Failure ? error.message : String(error));
      form.querySelector('input')?.focus();
    } finally {
      setBusy(false);
    }
  };

  return html`<main class="alone">
    <form class="card sign-in" onSubmit=${submit}>
      <h1><img src="./console/icon.svg" alt="" width="20" height="20" /> core-runtime</h1>
      <label for="token">Token</label>
      <input id="token" name="token" type="password" autocomplete="current-password" required aria-describedby="token-help" />
      <p id="token-help" class="dim">The value of <code>CORE_ADMIN_TOKEN</code> that the core was started with.</p>
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      <button type="submit" class="main" disabled=${isBusy}>Sign in</button>
    </form>
  </main>`;
}
