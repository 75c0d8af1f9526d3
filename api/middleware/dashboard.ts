import { readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import { ErrandError } from '../../core/errors.ts';

/** Where the build writes (package/build_dashboard.ts), in a checkout and in the package alike. */
const FOLDER = join(dirname(dirname(import.meta.dirname)), 'dashboard', 'dist');

/**
 * The page may load and call only this server, and run only its files: no inline code, no `eval`, and no text
 * that becomes markup (trusted types).
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** The name of an asset contains the hash of its content, so it never changes. */
const IMMUTABLE = 'public, max-age=31536000, immutable';
const ASSET = /^[\w-]+(\.[\w-]+)*\.(?:js|css|svg)$/;
const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** The compressed forms beside each asset, the smallest first. */
const ENCODINGS: Record<string, string> = { br: '.br', gzip: '.gz' };

/** Shown while the build of a checkout runs, which takes a few seconds. */
const NOT_BUILT = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="refresh" content="2">
  <title>Errand</title>
</head>
<body>
  <p>The dashboard is not built yet. <code>npm start</code> builds it, and so does <code>npm run dashboard</code>.
  This page loads it as soon as it is there.</p>
</body>
</html>
`;

/**
 * The dashboard at `/ui` (specification U1 to U8): its files, which contain no data. Its code calls the API
 * with the credentials of its user. `guards` run before every file, because anybody may request it. `areReadsOpen`:
 * reads need no credentials. The page says so, and its code asks for its data at once.
 */
export function dashboard(guards: RequestHandler[], areReadsOpen: boolean): Router {
  const router = Router();
  const read = readOnce();
  router.get('/ui/assets/:name', ...guards, async (request, response) => {
    const { name } = request.params as { name: string };
    if (!ASSET.test(name)) throw noAsset(name);
    const encoding = Object.keys(ENCODINGS).find((one) => request.acceptsEncodings(one) === one);
    const content = await read(`${name}${encoding === undefined ? '' : ENCODINGS[encoding]}`);
    if (content === null) throw noAsset(name);
    response
      .set('Content-Type', TYPES[extname(name)])
      .set('Cache-Control', IMMUTABLE)
      .vary('Accept-Encoding');
    if (encoding !== undefined) response.set('Content-Encoding', encoding);
    response.send(content);
  });
  router.get('/ui{/*path}', ...guards, async (request, response) => {
    response.set('Content-Security-Policy', POLICY).set('Cache-Control', 'no-cache').type('html');
    const page = await readFile(join(FOLDER, 'index.html'), 'utf8').catch(nullIfMissing);
    if (page === null) return void notBuilt(response);
    const reads = areReadsOpen ? '\n    <meta name="errand-reads" content="open">' : '';
    response.send(page.replace('<head>', `<head>\n    <base href="${baseOf(request)}">${reads}`));
  });
  return router;
}

/**
 * The relative URL of `/ui/` from the URL of the request. So the page works below every prefix that a proxy
 * or another application puts before it, without a setting.
 */
function baseOf({ path }: Request): string {
  const below = path.split('/').length - 2;
  return below === 0 ? 'ui/' : '../'.repeat(below - 1) || './';
}

function notBuilt(response: Response): void {
  response.status(503).set('Retry-After', '2').send(NOT_BUILT);
}

function noAsset(name: string): ErrandError {
  const shown = JSON.stringify(name.slice(0, 100));
  return new ErrandError('NOT_FOUND', `The dashboard has no file ${shown}: reload its page`);
}

/** Reads each asset once. All answers share the same bytes, so a slow client holds no copy. */
function readOnce(): (name: string) => Promise<Buffer | null> {
  const known = new Map<string, Buffer>();
  return async (name) => {
    const content = known.get(name) ?? (await readFile(join(FOLDER, 'assets', name)).catch(nullIfMissing));
    if (content !== null) known.set(name, content);
    return content;
  };
}

/** Throws all errors but that of a missing file. */
function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
