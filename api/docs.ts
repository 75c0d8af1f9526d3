import express, { Router } from 'express';
// Not the package itself, which runs all of the page: a quarter of a second at each start.
import absolutePath from 'swagger-ui-dist/absolute-path.js';
import type { OpenApiDocument } from './openapi/document.ts';

const PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Errand API</title>
  <link rel="stylesheet" href="/docs/assets/swagger-ui.css">
  <link rel="icon" href="/docs/assets/favicon-32x32.png">
</head>
<body>
  <div id="docs"></div>
  <script src="/docs/assets/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: '/openapi.yaml', dom_id: '#docs', deepLinking: true, docExpansion: 'list' });\n`;

/**
 * The interactive docs at `/docs` and the document they show at `/openapi.yaml` (specification A15). All assets
 * are our own server's: the page works without the internet.
 */
export function docs(document: OpenApiDocument): Router {
  const router = Router();
  // Made when it is first asked for, with what makes it: that takes a while, and a start should not.
  let yaml: Promise<string> | undefined;
  router.get('/openapi.yaml', async (_request, response) => {
    yaml ??= import('./openapi/yaml.ts').then(({ toYaml }) => toYaml(document));
    response.type('application/yaml').send(await yaml);
  });
  router.get('/docs', (_request, response) => {
    response.type('html').send(PAGE);
  });
  router.get('/docs/start.js', (_request, response) => {
    response.type('text/javascript').send(START);
  });
  router.use('/docs/assets', express.static(absolutePath(), { index: false, maxAge: '1h' }));
  return router;
}
