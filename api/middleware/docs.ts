import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RequestHandler, Router } from 'express';
// Reads the files of the package, but does not import it. The import would run the page's code, which takes a
// quarter of a second at each start.
import absolutePath from 'swagger-ui-dist/absolute-path.js';
import type { OpenApiDocument } from '../openapi/schemas/document.ts';

/**
 * `root` is the relative path to the root of the API. All links are relative, because a proxy may have
 * removed a prefix.
 */
const pageFrom = (root: string): string => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Errand API</title>
  <link rel="stylesheet" href="${root}docs/assets/swagger-ui.css">
  <link rel="icon" href="${root}docs/assets/favicon-32x32.png">
</head>
<body>
  <div id="docs"></div>
  <script src="${root}docs/assets/swagger-ui-bundle.js"></script>
  <script src="${root}docs/start.js"></script>
</body>
</html>
`;

/** The document's URL is relative to this script, so it is the same for `/docs` and `/docs/`. */
const START = `const url = new URL('../openapi.yaml', document.currentScript.src).href;
SwaggerUIBundle({ url, dom_id: '#docs', deepLinking: true, docExpansion: 'list' });
`;

/** Relative to the URL of the document (OpenAPI 3.1, Server Object). */
const SERVERS = [{ url: '.' }];

/** The files of the package that the page loads. No other file is served. */
const ASSETS: Record<string, string> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
};
const ASSETS_CACHE = 'public, max-age=3600';

/**
 * The interactive docs at `/docs`, and their document at `/openapi.yaml` (specification A15). All assets come
 * from this server, so the page works without the internet. `guards` run before every page, because anybody
 * may request it.
 */
export function docs(document: OpenApiDocument, guards: RequestHandler[]): Router {
  const router = Router();
  // The document is rendered at the first request. Rendering takes a while and would slow the start.
  let yaml: Promise<string> | undefined;
  router.get('/openapi.yaml', ...guards, async (_request, response) => {
    yaml ??= import('../openapi/yaml.ts').then(({ toYaml }) => toYaml({ ...document, servers: SERVERS }));
    response.type('application/yaml').send(await yaml);
  });
  router.get('/docs', ...guards, ({ path }, response) => {
    response.type('html').send(pageFrom(path.endsWith('/') ? '../' : './'));
  });
  router.get('/docs/start.js', ...guards, (_request, response) => {
    response.type('text/javascript').send(START);
  });
  for (const [name, type] of Object.entries(ASSETS))
    router.get(`/docs/assets/${name}`, ...guards, asset(name, type));
  return router;
}

/** Reads the file once. All answers share the same bytes, so a slow client holds no copy. */
function asset(name: string, type: string): RequestHandler {
  let read: Promise<Buffer> | undefined;
  return async (_request, response) => {
    read ??= readFile(join(absolutePath(), name));
    response
      .type(type)
      .set('Cache-Control', ASSETS_CACHE)
      .send(await read);
  };
}
