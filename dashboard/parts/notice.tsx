import type { ComponentChildren } from 'preact';
import { isAway, messageOf, statusOf } from '../data/api.ts';

/** A message in the place where it matters. Errors are read out at once. */
export function Notice(props: { kind: 'info' | 'error' | 'warning'; children: ComponentChildren }) {
  const { kind, children } = props;
  return (
    <div class={`notice notice-${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

/** What a query came to, as far as it has nothing to show. */
export type Asked = { isPending: boolean; error: unknown; data: unknown };

/** Shows that something loads, that the user may not see it, or why it could not be read. */
export function Standing({ asked, what }: { asked: Asked; what: string }) {
  const { error, data, isPending } = asked;
  if (statusOf(error) === 403) {
    return (
      <div class="state-page">
        <h2>No rights</h2>
        <p>Your credentials do not allow you to see {what}.</p>
        <p class="hint">{messageOf(error)}</p>
      </div>
    );
  }
  // The banner of the shell says that the API is away. Old data stays on the page meanwhile.
  if (error && !(isAway(error) && data !== undefined)) {
    return (
      <Notice kind="error">
        <strong>Could not read {what}.</strong> {messageOf(error)}
      </Notice>
    );
  }
  if (isPending) return <Loading what={what} />;
  return null;
}

/** Grey lines where the content will be. */
function Loading({ what }: { what: string }) {
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading {what}</span>
      <span class="bone" />
      <span class="bone" />
      <span class="bone" />
    </div>
  );
}

/** Says that there is nothing, and what would be here. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state-page">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
    </div>
  );
}
