import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** The heading of a page, its title in the browser, and its actions. */
export function PageHead(props: { title: string; children?: ComponentChildren; lead?: ComponentChildren }) {
  const { title, children, lead } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Errand`;
  }, [title]);
  useEffect(() => {
    // A reader of the screen hears where the link has led. The first page keeps the browser's own start.
    if (hasShownPage) heading.current?.focus({ preventScroll: true });
    hasShownPage = true;
  }, []);
  return (
    <header class="page-head">
      <div>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead && <p class="lead">{lead}</p>}
      </div>
      {children && <div class="actions">{children}</div>}
    </header>
  );
}

let hasShownPage = false;

/** A table that may scroll sideways, also by keyboard. */
export function TableBox({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="table-box" role="group" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}

/** A titled part of a page. */
export function Card(props: {
  title: string;
  children: ComponentChildren;
  actions?: ComponentChildren;
  class?: string;
}) {
  const { title, children, actions } = props;
  return (
    <section class={`card ${props.class ?? ''}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}
