import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createApp } from '../../../api/app.ts';
import { loadRegistry } from '../../../tasks/index.ts';
import { call } from '../../support/api.ts';
import { appOptions } from '../../support/api_options.ts';
import { createDatabase } from '../../support/database.ts';

const { pool } = await createDatabase();
/** The class whose `compile` every validator comes from, ours and those of express-openapi-validator. */
const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js');

/** An API in which only requests are validated, as in production; gives its URL and what warms it up. */
async function startCold() {
  const { app, warmUp } = createApp({
    ...appOptions(pool, new AbortController().signal),
    // Of its own, as validators that are compiled already would need no warming.
    registry: loadRegistry({ NODE_ENV: 'test' }),
    validateResponses: false,
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, warmUp };
}

async function ask(url: string): Promise<void> {
  const id = '019c0000-0000-7000-8000-000000000000';
  expect((await call(url, 'GET', '/v1/tasks')).status).toBe(200);
  expect((await call(url, 'GET', `/v1/tasks/${id}`)).status).toBe(404);
  expect((await call(url, 'DELETE', `/v1/tasks/${id}`)).status).toBe(404);
  expect((await call(url, 'GET', '/v1/runners')).status).toBe(200);
  const body = { payload: { message: 'warm' } };
  expect((await call(url, 'POST', '/v1/tasks/example.echo', body)).body.task.name).toBe('example.echo');
}

test('after the warm-up no request has to wait for a validator to be compiled', async () => {
  const compile = vi.spyOn(Ajv2020.prototype, 'compile');
  const cold = await startCold();
  await ask(cold.url);
  expect(compile.mock.calls.length).toBeGreaterThan(0);

  const warm = await startCold();
  await warm.warmUp();
  compile.mockClear();
  await ask(warm.url);
  expect(compile).not.toHaveBeenCalled();
});

test('a start compiles no schema twice, and none of OpenAPI documents', async () => {
  const compile = vi.spyOn(Ajv2020.prototype, 'compile');
  const { warmUp } = await startCold();
  await warmUp();
  const schemas = compile.mock.calls.map(([schema]) => JSON.stringify(schema));
  expect(schemas.filter((one) => one.includes('spec.openapis.org'))).toEqual([]);
  // Each of the two validators has an Ajv for parameters and one for bodies.
  const times = Object.values(Object.groupBy(schemas, (one) => one)).map((same = []) => same.length);
  expect(times.filter((count) => count > 4)).toEqual([]);
  expect(schemas.filter((one) => one.includes('"query"')).length).toBeLessThan(60);
});
