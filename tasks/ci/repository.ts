import { PermanentError } from '../../core/errors.ts';

/**
 * The URL of a repository as it is given to git, when it begins with one of these: the same scheme, host and port (and
 * user, if that says one), and a path in whole parts. Throws PermanentError with the code REPOSITORY_NOT_ALLOWED.
 */
export function allowedRepository(repository: string, prefixes: readonly string[]): string {
  // What is looked at is what is used: dots in the path are resolved in both.
  const url = new URL(repository);
  if (prefixes.some((prefix) => isBelow(url, new URL(prefix)))) return url.href;
  const which =
    prefixes.length === 0
      ? 'CI_REPOSITORIES is not set on this runner, so it builds none'
      : 'CI_REPOSITORIES of this runner does not have it';
  throw new PermanentError(`The repository ${url.href} may not be built: ${which}`, {
    code: 'REPOSITORY_NOT_ALLOWED',
    metadata: { repository: url.href, variable: 'CI_REPOSITORIES' },
  });
}

function isBelow(url: URL, prefix: URL): boolean {
  const top = prefix.pathname.replace(/\/+$/, '');
  return (
    url.protocol === prefix.protocol &&
    url.host === prefix.host &&
    (prefix.username === '' || url.username === prefix.username) &&
    (url.pathname === top || url.pathname.startsWith(`${top}/`))
  );
}
