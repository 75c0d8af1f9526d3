import type { ComponentChildren } from 'preact';
import { pageOf, pageUrl } from '../session/place.ts';
import { shortId } from '../text/words.ts';

/** A link to a page of the dashboard. */
export function PageLink(props: { to: string; query?: string; class?: string; children: ComponentChildren }) {
  const { to, query, children } = props;
  return (
    <a href={pageUrl(to, query)} class={props.class}>
      {children}
    </a>
  );
}

/** A link to a task by its id, which is shortened. */
export function TaskLink({ id, children }: { id: string; children?: ComponentChildren }) {
  return (
    <a href={pageOf('tasks', id)} class={children ? undefined : 'mono'} title={children ? undefined : id}>
      {children ?? shortId(id)}
    </a>
  );
}
