import type { Router } from 'express';
import { expect, test } from 'vitest';
import { createApp } from '../../../../api/app.ts';
import { buildOpenApi } from '../../../../api/openapi/build.ts';
import { ROUTES, SOCKET_PATH } from '../../../../api/operations.ts';
import { loadRegistry } from '../../../../tasks/index.ts';
import { appOptions } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();
const registry = loadRegistry({ NODE_ENV: 'test' });
const { app } = createApp({ ...appOptions(pool, new AbortController().signal), registry });

/** What is beside the document: the parts of the docs page, the files of the dashboard, and WebSockets. */
const isBeside = (route: string): boolean =>
  route.startsWith('get /docs/') || route.startsWith('get /ui') || route === `get ${SOCKET_PATH}`;

/** `get /v1/tasks/{}` for every route of a router and those within it. */
function routesOf(router: Router): string[] {
  return router.stack.flatMap((layer) => {
    if (layer.route === undefined) {
      const { stack } = layer.handle as unknown as Router;
      return Array.isArray(stack) ? routesOf(layer.handle as unknown as Router) : [];
    }
    const paths = [layer.route.path].flat();
    const methods = layer.route.stack.map(({ method }) => method);
    return paths.flatMap((path) => methods.map((method) => `${method} ${path.replaceAll(/:\w+/g, '{}')}`));
  });
}

const routes = new Set([
  ...routesOf(app.router as unknown as Router),
  ...ROUTES.map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, '{}')}`),
]);
const operations = Object.entries(buildOpenApi(registry.definitions).paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => ({ method, path })),
);

test('every operation of the document has a route', () => {
  const names = new Set<string>(registry.definitions.map(({ name }) => name));
  for (const { method, path } of operations) {
    const template = path
      .replaceAll(/\{\w+\}/g, '{}')
      .split('/')
      .map((part) => (names.has(part) ? '{}' : part))
      .join('/');
    expect([...routes]).toContain(`${method} ${template}`);
  }
});

test('every route is an operation of the document', () => {
  const documented = operations.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`);
  const { name } = registry.definitions[0] ?? { name: '' };
  for (const route of routes) {
    if (isBeside(route)) continue;
    const known = [route, route.replace('/v1/tasks/{}', `/v1/tasks/${name}`)];
    expect(
      known.some((one) => documented.includes(one)),
      route,
    ).toBe(true);
  }
});

test('the routes are found at all', () => {
  expect([...routes]).toEqual(
    expect.arrayContaining([
      'get /v1/tasks',
      'post /v1/tasks/{}/batch',
      'get /health',
      'get /docs',
      'patch /v1/tasks/{}/retry',
    ]),
  );
});
