import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);

/** The directives of a Content-Security-Policy, by name. */
function policy(header: string | null): Map<string, string[]> {
  const directives = (header ?? '').split(';').map((directive) => directive.trim().split(/\s+/));
  return new Map(directives.map(([name = '', ...sources]) => [name, sources]));
}

test('the page and everything it loads come from this server, with the right types', async () => {
  const page = await api.call('GET', '/docs');
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(loaded.length).toBeGreaterThanOrEqual(4);
  const types: Record<string, string> = {
    js: 'text/javascript; charset=utf-8',
    css: 'text/css; charset=utf-8',
    png: 'image/png',
  };
  for (const link of loaded) {
    expect(link).toMatch(/^\.\/docs\//);
    const path = new URL(link, `${api.url}/docs`).pathname;
    const { status, headers, text } = await api.call('GET', path);
    expect({ path, status, type: headers.get('content-type') }).toEqual({
      path,
      status: 200,
      type: types[path.split('.').pop() ?? ''],
    });
    expect(text.length).toBeGreaterThan(50);
  }
});

test('its policy allows just that: scripts, styles, images and calls of this server, nothing inline to run', async () => {
  const { headers, text } = await api.call('GET', '/docs');
  const csp = policy(headers.get('content-security-policy'));
  expect(csp.get('default-src')).toEqual(["'self'"]);
  expect(csp.get('script-src')).toEqual(["'self'"]);
  expect(csp.get('style-src')).toContain("'self'");
  expect(csp.get('style-src')).toContain("'unsafe-inline'"); // Swagger UI styles its elements
  expect(csp.get('img-src')).toEqual(["'self'", 'data:']);
  expect(csp.get('connect-src') ?? csp.get('default-src')).toEqual(["'self'"]);
  expect(csp.has('upgrade-insecure-requests')).toBe(false);
  expect(text).not.toMatch(/<script>|<style|onload=|https?:\/\//);
});

test('it starts with our document, which is whole and the one that is served', async () => {
  const start = await api.call('GET', '/docs/start.js');
  expect(start.text).toContain("new URL('../openapi.yaml', document.currentScript.src)");
  const { status, headers, text } = await api.call('GET', '/openapi.yaml');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toMatch(/^application\/yaml/);
  const document = parse(text);
  expect(document.openapi).toBe('3.1.0');
  expect(Object.keys(document.paths)).toContain('/v1/tasks/example.echo');
});

test('nothing else of the disk is served', async () => {
  for (const path of [
    '/docs/assets/',
    '/docs/assets/nope.js',
    // Of the package, and not needed by the page.
    '/docs/assets/swagger-ui-bundle.js.map',
    '/docs/assets/swagger-ui.js',
    '/docs/assets/index.html',
    '/docs/assets/%2e%2e/package.json',
    '/docs/../package.json',
  ]) {
    const { status, body } = await api.call('GET', path);
    expect({ path, status, code: body?.code }).toEqual({ path, status: 404, code: 'NOT_FOUND' });
  }
});

test('nothing is kept by caches but what the page loads', async () => {
  for (const path of ['/v1/tasks', '/live', '/nowhere', '/docs', '/v1/tasks/not-an-id']) {
    expect((await api.call('GET', path)).headers.get('cache-control'), path).toBe('no-store');
  }
  const { headers } = await api.call('GET', '/docs/assets/swagger-ui.css');
  expect(headers.get('cache-control')).toBe('public, max-age=3600');
});

test('security headers are on every answer', async () => {
  for (const path of ['/docs', '/v1/tasks', '/live', '/nowhere']) {
    const { headers } = await api.call('GET', path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).not.toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('strict-transport-security')).toBeNull();
  }
});
