import { useState } from 'preact/hooks';
import { Notice } from '../parts/notice.tsx';
import { useSession } from './context.ts';
import { credentialsOf } from './credentials.ts';

/** Asks for a token or an API key. It shows nothing of the queue. */
export function SignIn() {
  const { signIn, wasRefused } = useSession();
  const [typed, setTyped] = useState('');
  return (
    <main class="sign-in" id="main">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() !== '') signIn(credentialsOf(typed));
        }}
      >
        <h1>Sign in to Errand</h1>
        {wasRefused && (
          <Notice kind="error">
            The API refused these credentials. They may have expired, or were mistyped or revoked.
          </Notice>
        )}
        <label class="field">
          <span>Token or API key</span>
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={typed}
            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          />
        </label>
        <p class="hint">
          It stays in this tab and is forgotten when the tab closes. An API key starts with{' '}
          <code>errand_</code>.
        </p>
        <button type="submit" class="primary" disabled={typed.trim() === ''}>
          Sign in
        </button>
      </form>
    </main>
  );
}
