import { expect, test } from 'vitest';
import { createState, type OPERATIONAL_STATES, stateCheck } from '../../../../api/capacity/state.ts';
import { buildOpenApi } from '../../../../api/openapi/build.ts';
import { assertPolicies, ROUTES } from '../../../../api/operations.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startOwnApi } from '../../../fast/api/app.ts';
import { expectError } from '../../../fast/api/ledger.ts';
import { call } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startProcess } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';

const database = await createDatabase();
const PROBES = ['/health', '/live', '/health/live'];
const READY = ['/ready', '/health/ready'];

function stateOf(wanted: (typeof OPERATIONAL_STATES)[number]) {
  const state = createState();
  if (wanted !== 'starting') state.started();
  if (wanted === 'draining') state.drain();
  if (wanted === 'emergency') state.toggleEmergency();
  return state;
}

test.each(['starting', 'draining', 'emergency'] as const)(
  'in the state %s only probes answer',
  async (wanted) => {
    const state = stateOf(wanted);
    expect(state.current()).toBe(wanted);
    const api = await startOwnApi(database.pool, {
      state,
      probeSource: { process: 'api', isDraining: () => false, checks: async () => [stateCheck(state)] },
    });
    for (const path of ['/v1/tasks', '/docs', '/openapi.yaml', '/v1/nothing', '/healthy']) {
      const answer = await api.call('GET', path);
      expectError(answer, { status: 503, code: 'SERVICE_UNAVAILABLE' });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    for (const path of PROBES) {
      const isAnswered = wanted !== 'emergency' || path === '/health';
      expect([path, (await api.call('GET', path)).status]).toEqual([path, isAnswered ? 200 : 503]);
    }
    for (const path of READY) expect((await api.call('GET', path)).status).toBe(503);
  },
);

test('an emergency ends as it began, and neither a start nor a drain is left by it', () => {
  const state = createState();
  expect(state.toggleEmergency()).toBe('starting');
  state.started();
  expect([state.toggleEmergency(), state.toggleEmergency()]).toEqual(['emergency', 'normal']);
  state.drain();
  state.started();
  expect(state.toggleEmergency()).toBe('draining');
});

test('SIGUSR2 switches a process to emergency and back', async () => {
  const { child, url } = await startProcess('api/main.ts', database.url);
  const status = async (path: string): Promise<number> => (await call(url, 'GET', path)).status;
  expect(await status('/v1/tasks')).toBe(200);
  child.kill('SIGUSR2');
  await until('it is an emergency', async () => (await status('/v1/tasks')) === 503);
  expect([await status('/health'), await status('/ready'), await status('/live')]).toEqual([200, 503, 503]);
  child.kill('SIGUSR2');
  await until('it is over', async () => (await status('/v1/tasks')) === 200);
});

test('a document with an operation that no policy covers stops the start', () => {
  const document = buildOpenApi(definitions);
  expect(() => assertPolicies(document)).not.toThrow();
  for (const { method, path } of ROUTES) {
    const without = ROUTES.filter((route) => route.method !== method || route.path !== path);
    expect(() => assertPolicies(document, without)).toThrow(/These operations have no policy:/);
  }
});
