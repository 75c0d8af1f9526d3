import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { statusOf } from '../data/api.ts';
import { Standing } from '../parts/notice.tsx';
import { useSession } from '../session/context.ts';
import { ARE_READS_OPEN } from '../session/place.ts';
import { usePrincipal } from '../session/principal.ts';
import { SignIn } from '../session/sign_in.tsx';
import { AwayBanner } from './away_banner.tsx';
import { Navigation } from './navigation.tsx';

/**
 * What is around every page. Before the API knows the user, only the sign-in is shown. A user who has credentials, or
 * needs none, is asked for while the page already reads: the API refuses what the user may not see.
 */
export function Shell({ children }: { children: ComponentChildren }) {
  const principal = usePrincipal();
  const { credentials } = useSession();
  const isExpected = credentials !== null || ARE_READS_OPEN;
  const main = useRef<HTMLElement>(null);
  const { path } = useLocation();
  // A new page starts at its top
  useEffect(() => scrollTo(0, 0), [path]);
  if (statusOf(principal.error) === 401) return <SignIn />;
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <div class="frame">
        <Navigation />
        <main id="main" ref={main} tabIndex={-1}>
          <AwayBanner />
          {principal.data === undefined ? (
            isExpected && principal.error === null ? (
              children
            ) : (
              <Standing asked={principal} what="who you are" />
            )
          ) : principal.data.scopes.includes('read') || path.endsWith('/submit') ? (
            children
          ) : (
            <NoRead />
          )}
        </main>
      </div>
    </>
  );
}

function NoRead() {
  return (
    <div class="state-page">
      <h1>No rights to read</h1>
      <p>
        These credentials lack the scope <code>read</code>, so the dashboard can show nothing with them.
      </p>
    </div>
  );
}
