import { expect, test } from 'vitest';
import { createState } from '../../../../api/capacity/state.ts';
import { PAGES, ROUTES } from '../../../../api/operations.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { startOwnApi } from '../app.ts';
import { authenticateByWords } from '../principals.ts';
import { raw } from '../raw.ts';

// One path has many spellings. Those that are answered as the path are it for rate limits, credentials and bounds, too.

const { pool } = await createDatabase();
const ID = '019c0000-0000-7000-8000-000000000000';

/** Ways to write a path that a server may take for the same. */
function spellings(path: string): string[] {
  return [
    path,
    path.toUpperCase(),
    path.replace('/v1', '/V1'),
    `${path}/`,
    `${path.toUpperCase()}/`,
    `${path}//`,
    `/${path}`,
    path.replaceAll('/', '//'),
    path.replace('/v1', '/%761'),
    path.replace('/v1/', '/v1%2F'),
    path.replace(/(\/\w)/, '$1%00'),
    `${path}?`,
    `${path}?x=1`,
    `${path}#x`,
    `${path};x=1`,
    `${path}/.`,
    `/v2/..${path}`,
    `http://errand.example${path}`,
    `http://errand.example${path.toUpperCase()}`,
  ];
}

const LITERAL = { ':id': ID, ':name': 'example.echo', ':step_id': ID, ':delivery_id': ID };
const pathOf = (template: string): string =>
  template.replaceAll(/:\w+/g, (name) => LITERAL[name as keyof typeof LITERAL] ?? 'example');

test('whatever is answered is limited and asks for credentials, however its path is written', async () => {
  const config = testConfig({ RATE_LIMIT_READS: '100000', RATE_LIMIT_WRITES: '100000' });
  const api = await startOwnApi(pool, { config, authenticate: authenticateByWords });
  for (const { method, path, policy } of ROUTES) {
    for (const spelling of spellings(pathOf(path))) {
      for (const asked of method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]) {
        const answer = await raw(api.url, asked, spelling, {});
        const where = `${asked} ${spelling}`;
        const limited = policy === 'signed' ? null : answer.headers.get('ratelimit-policy');
        if (answer.status !== 400 && policy !== 'signed') expect(limited, where).not.toBeNull();
        expect([400, 401, 404, 405], where).toContain(answer.status);
      }
    }
  }
});

test('a limit that is reached holds for all spellings of all paths, also of what is nowhere', async () => {
  const config = testConfig({ RATE_LIMIT_READS: '2', RATE_LIMIT_WRITES: '2', RATE_LIMIT_WEBHOOKS: '2' });
  const api = await startOwnApi(pool, { config });
  for (const [method, path] of [
    ['GET', '/v1/runners'],
    ['POST', '/v1/tasks/example.echo'],
    ['POST', '/v1/webhooks/github'],
    ['GET', '/nowhere'],
  ] as const) {
    for (let count = 0; count < 2; count++) await raw(api.url, method, path, {});
    for (const spelling of spellings(path)) {
      const { status } = await raw(api.url, method, spelling, {});
      // What no server can take for a path is refused by Node before anybody is asked.
      if (status !== 400) expect(`${status} ${method} ${spelling}`).toBe(`429 ${method} ${spelling}`);
    }
  }
});

test('the bounds of a batch are those of its items, however its path is written', async () => {
  const api = await startOwnApi(pool);
  const items = [1, 2].map(() => ({
    payload: { message: 'a', more: Array.from({ length: 260_000 }, () => 1) },
  }));
  for (const path of ['/v1/tasks/example.echo/batch', '/V1/tasks/example.echo/Batch/']) {
    const { status, body } = await api.call('POST', path, { items });
    expect({ status, invalid: body.invalid }).toEqual({ status: 200, invalid: 2 });
  }
});

test('probes are probes, and pages pages, however they are written, in every state', async () => {
  const state = createState();
  const api = await startOwnApi(pool, { state });
  for (const path of ['/live', '/LIVE', '/live/', '/Health/Live']) {
    expect((await raw(api.url, 'GET', path)).status).toBe(200);
  }
  for (const path of ['/health/x', '/livex', '/docs', '/Docs/', ...PAGES.map((page) => page.path)]) {
    expect((await raw(api.url, 'GET', path)).status, path).toBe(503);
  }
  state.started();
  for (const path of ['/docs', '/DOCS', '/docs/', '/OpenAPI.yaml']) {
    expect((await raw(api.url, 'GET', path)).status, path).toBe(200);
  }
  expect(state.toggleEmergency()).toBe('emergency');
  expect((await raw(api.url, 'GET', '/Health/')).status).toBe(200);
  expect((await raw(api.url, 'GET', '/live')).status).toBe(503);
});
