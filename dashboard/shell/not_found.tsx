import { PageLink } from '../parts/link.tsx';
import { PageHead } from '../parts/page.tsx';

/** The page for a path that the dashboard does not have. */
export function NotFound() {
  return (
    <>
      <PageHead title="There is no such page" />
      <p>
        The dashboard has no page at this address. Start at <PageLink to="">Home</PageLink> or look through
        the <PageLink to="tasks">tasks</PageLink>.
      </p>
    </>
  );
}
