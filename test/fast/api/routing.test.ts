import type { Request } from 'express';
import { expect, test } from 'vitest';
import { buildOpenApi } from '../../../api/openapi/build.ts';
import { ROUTES } from '../../../api/operations.ts';
import { destinationOf } from '../../../api/routing.ts';
import { loadRegistry } from '../../../tasks/index.ts';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { raw } from './raw.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const ID = '019c0000-0000-7000-8000-000000000000';

function destination(method: string, path: string) {
  const { place, template, params } = destinationOf({ method, path } as Request);
  return { place, template, params: params() };
}

test.each(ROUTES)('$method $path is found, and its parameters are decoded', (route) => {
  const { method, path } = route;
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => String(name));
  const asked = path.replaceAll(/:\w+/g, 'a%20%C3%A9%2Fb');
  const params = Object.fromEntries(names.map((name) => [name, 'a é/b']));
  const found = { place: route, template: path, params };
  expect(destination(method.toUpperCase(), asked)).toEqual(found);
  expect(destination(method.toUpperCase(), `${asked}/`)).toEqual(found);
  if (method === 'get') expect(destination('HEAD', asked)).toEqual(found);
});

test('a word of its own comes before the id that it could be; a path without such a method has a template only', () => {
  expect(destination('GET', '/v1/tasks/stats').template).toBe('/v1/tasks/stats');
  expect(destination('GET', '/V1/Tasks/stats/').template).toBe('/v1/tasks/stats');
  expect(destination('POST', '/v1/tasks/retry').template).toBe('/v1/tasks/retry');
  const noMethod = { place: null, template: '/v1/tasks/stats', params: {} };
  expect(destination('POST', '/v1/tasks/stats')).toEqual(noMethod);
  expect(destination('PUT', '/v1/runners')).toEqual({ place: null, template: '/v1/runners', params: {} });
  for (const path of ['/', '/v1', '/v1/tasks//', '/v1/tasks/a/b/c', '/v2/tasks', '/v1/runnersx'])
    expect(destination('GET', path)).toEqual({ place: null, template: null, params: {} });
});

test('the path of a task is validated as one of a task, and no other is taken for it', async () => {
  const submit = (message: string) => ({
    body: JSON.stringify({ payload: { message } }),
    headers: { 'content-type': 'application/json' },
  });
  for (const path of ['/v1/tasks/example.echo', '/v1/tasks/example.echo/'])
    expect((await raw(api.url, 'POST', path, submit(path))).status).toBe(201);
  expect((await raw(api.url, 'POST', '/v1/tasks/example.echo?nothing=1', submit('x'))).status).toBe(400);
  expect((await raw(api.url, 'GET', '/v1/tasks/example.nothing/batch', {})).status).toBe(404);
  expect((await raw(api.url, 'GET', '/v1/tasks/example.nothing', {})).status).toBe(400);
  const answer = await raw(api.url, 'PUT', `/v1/tasks/${ID}`, {});
  expect([answer.status, answer.headers.get('allow')?.split(', ').sort()]).toEqual([
    405,
    ['DELETE', 'GET', 'HEAD'],
  ]);
});

test('all tasks are submitted with the same parameters: they are validated as one', () => {
  const { definitions } = loadRegistry({ NODE_ENV: 'test' });
  const { paths } = buildOpenApi(definitions);
  for (const end of ['', '/batch']) {
    const taken = definitions.map(({ name }) => {
      const { post, ...others } = paths[`/v1/tasks/${name}${end}`] ?? {};
      return JSON.stringify([post?.parameters, Object.keys(post?.requestBody?.content ?? {}), others]);
    });
    expect(new Set(taken).size).toBe(1);
  }
});
