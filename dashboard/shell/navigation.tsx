import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { Scope } from '../data/records.ts';
import { useSession } from '../session/context.ts';
import { type Credentials, credentialsOf } from '../session/credentials.ts';
import { API_URL, pageUrl } from '../session/place.ts';
import { usePrincipal } from '../session/principal.ts';

type Entry = { path: string; title: string; scope: Scope };

const ENTRIES: readonly Entry[] = [
  { path: '', title: 'Home', scope: 'read' },
  { path: 'tasks', title: 'Tasks', scope: 'read' },
  { path: 'errors', title: 'Errors', scope: 'read' },
  { path: 'queues', title: 'Queues', scope: 'read' },
  { path: 'limits', title: 'Limits', scope: 'read' },
  { path: 'runners', title: 'Runners', scope: 'read' },
  { path: 'schedules', title: 'Schedules', scope: 'read' },
  { path: 'callbacks', title: 'Callbacks', scope: 'read' },
  { path: 'audit', title: 'Audit', scope: 'operate' },
  { path: 'submit', title: 'Submit', scope: 'submit' },
];

/** The pages that the user may see, and who the user is. */
export function Navigation() {
  const { url, path } = useLocation();
  const [isOpen, setOpen] = useState(false);
  const { data: principal } = usePrincipal();
  // The menu of a phone closes when a link was followed
  useEffect(() => setOpen(false), [url]);
  const scopes = principal?.scopes ?? [];
  return (
    <div class={isOpen ? 'side open' : 'side'}>
      <div class="side-head">
        <a href={pageUrl('')} class="brand">
          Errand
        </a>
        <button
          type="button"
          class="menu-button"
          aria-expanded={isOpen}
          aria-controls="menu"
          onClick={() => setOpen(!isOpen)}
        >
          Menu
        </button>
      </div>
      <div id="menu" class="menu">
        <nav aria-label="Pages">
          <ul>
            {ENTRIES.filter(({ scope }) => scopes.includes(scope)).map((entry) => (
              <li key={entry.path}>
                <a href={pageUrl(entry.path)} aria-current={isCurrent(path, entry) ? 'page' : undefined}>
                  {entry.title}
                </a>
              </li>
            ))}
            <li>
              <a href={`${API_URL}/docs`}>API docs</a>
            </li>
          </ul>
        </nav>
        <User />
      </div>
    </div>
  );
}

function isCurrent(path: string, entry: Entry): boolean {
  const page = pageUrl(entry.path).replace(/\/$/, '');
  return path === page || (entry.path !== '' && path.startsWith(`${page}/`));
}

const RIGHTS: Record<Scope, string> = { read: 'read', submit: 'submit tasks', operate: 'operate' };

/** Who the credentials stand for, and what they allow. */
function User() {
  const { data: principal } = usePrincipal();
  const { credentials, signOut, signIn } = useSession();
  const [isAsking, setAsking] = useState(false);
  if (principal === undefined) return null;
  const { actor, scopes, namespaces, authentication } = principal;
  const rights = scopes.map((scope) => RIGHTS[scope]).join(', ');
  const where = namespaces === null ? 'everywhere' : `in ${namespaces.join(', ') || 'no namespace'}`;
  return (
    <section class="user" aria-label="You">
      <p class="actor">{authentication ? actor : 'Authentication is off'}</p>
      <p class="hint">
        May {rights === '' ? 'do nothing' : rights} {where}
      </p>
      {credentials !== null && (
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      )}
      {credentials === null && authentication && !isAsking && (
        <button type="button" onClick={() => setAsking(true)}>
          Sign in
        </button>
      )}
      {isAsking && <QuickSignIn onTyped={signIn} />}
    </section>
  );
}

/** Where reads need no credentials, they can be given beside the pages. */
function QuickSignIn({ onTyped }: { onTyped: (credentials: Credentials) => void }) {
  const [typed, setTyped] = useState('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim() !== '') onTyped(credentialsOf(typed));
      }}
    >
      <label class="field">
        <span>Token or API key</span>
        <input
          type="password"
          autocomplete="off"
          value={typed}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        />
      </label>
      <button type="submit">Sign in</button>
    </form>
  );
}
