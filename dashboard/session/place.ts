/** The path of the dashboard with a slash at its end: `/ui/`, or below the prefix of a proxy. */
export const ROOT = new URL(document.baseURI).pathname;

/** The address of the API, which serves the dashboard below itself. */
export const API_URL = new URL('..', document.baseURI).href.replace(/\/$/, '');

/** The URL of a page of the dashboard, such as `tasks`, or of nothing for its first page. */
export function pageUrl(path: string, query = ''): string {
  return `${ROOT}${path}${query === '' ? '' : `?${query}`}`;
}

/** The URL of a page for a thing whose name is a part of the path. */
export function pageOf(kind: string, key: string): string {
  return pageUrl(`${kind}/${encodeURIComponent(key)}`);
}

/** Whether the API answers reads without credentials. Its page says so, so that nothing is asked before. */
export const ARE_READS_OPEN = document.querySelector('meta[name="errand-reads"][content="open"]') !== null;
