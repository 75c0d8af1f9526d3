import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { ANONYMOUS } from '../../../../api/auth/principal.ts';
import { PermanentError } from '../../../../core/errors.ts';
import type { State } from '../../../../core/states.ts';
import { defineSteps, defineWorkflow, step } from '../../../../core/workflow.ts';
import { rollUp } from '../../../../store/stats/rollups.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished } from '../../../support/tasks.ts';
import { setWatermark } from '../../store/stats/finished.ts';
import { registeredHandlersOf, submitWorkflow } from '../../workflows/workflows.ts';
import { registryWith, textTask } from '../definitions.ts';

const { pool } = await createDatabase();
const base = {
  version: '1.0.0',
  description: 'For this test',
  payload: z.strictObject({ act: z.string() }),
  example: { act: '' },
};
/** one → two and maybe three → four. */
const flow = defineWorkflow({
  ...base,
  name: 'figures.flow',
  steps: {
    one: step({}),
    two: step({ after: ['one'], policy: { maxAttempts: 1 } }),
    three: step({ after: ['one'], conditional: true }),
    four: step({ after: ['two', 'three'] }),
  },
  onFailure: {},
});
const flowCode = defineSteps(flow, {
  steps: {
    one: { handler: () => 1 },
    two: {
      handler: ({ act }) => {
        if (act === 'fail') throw new PermanentError('no');
      },
    },
    three: { when: ({ payload }) => payload.act === 'all', handler: () => 3 },
    four: { handler: () => 4 },
  },
  onFailure: () => 'told',
});
const idle = defineWorkflow({ ...base, name: 'figures.idle', steps: { only: step({}) } });
const registry = registryWith(flow, idle, textTask('figures.task', {}));
await registerDefinitions(pool, registry.definitions);
const api = await startApi(pool, { registry });
const PATH = '/v1/analytics/workflows/figures';

beforeEach(async () => {
  await pool.query('truncate errand.tasks, errand.rollups cascade');
});

type Step = [step: string, after: string[], from: number, to: number | null];

/** A run that has finished so many seconds ago; its steps from and to seconds after it began. */
async function insertRun(ago: number, state: State, steps: Step[]): Promise<void> {
  const long = Math.max(...steps.map(([, , , to]) => to ?? 0));
  await pool.query(
    `with run as (
       insert into errand.tasks (name, version, state, priority, max_attempts, payload, run_at, started_at, finished_at, children)
       select 'figures.flow', '1.0.0', $1, 0, 25, '{}', began, began, began + make_interval(secs => $3), 4
         from (select now() - make_interval(secs => $2::float8 + $3::float8) as began) b
       returning id, started_at
     )
     insert into errand.tasks (name, version, state, priority, max_attempts, payload, run_at, started_at, finished_at, parent_id, step, after)
     select 'figures.flow.' || s.step, '1.0.0', case when s."to" is null then 'waiting' else 'succeeded' end, 0, 25, '{}',
            run.started_at + make_interval(secs => s."from"),
            case when s."to" is not null then run.started_at + make_interval(secs => s."from") end,
            run.started_at + make_interval(secs => s."to"), run.id, s.step, s.after
       from run, jsonb_to_recordset($4::jsonb) as s (step text, after text[], "from" float8, "to" float8)`,
    [
      state,
      ago,
      long,
      JSON.stringify(steps.map(([name, after, from, to]) => ({ step: name, after, from, to }))),
    ],
  );
}

const viaTwo: Step[] = [
  ['one', [], 0, 1],
  ['two', ['one'], 1, 9],
  ['three', ['one'], 1, 2],
  ['four', ['two', 'three'], 9, 10],
];
const viaThree: Step[] = [
  ['one', [], 0, 1],
  ['two', ['one'], 1, 2],
  ['three', ['one'], 1, 4],
  ['four', ['two', 'three'], 4, 6],
];

/** A duration that an estimate stands for. */
const about = (seconds: number): unknown => ({
  asymmetricMatch: (value: number) => Math.max(value / seconds, seconds / value) <= Math.SQRT2 + 1e-9,
});
const NONE = { average: null, p50: null, p95: null, p99: null };

test('runs and steps have their figures, from the sums and from what finished since; the last runs tell what decided', async () => {
  await setWatermark(pool, 3 * 3_600);
  for (const ago of [1_000, 1_100, 1_200]) await insertRun(ago, 'succeeded', viaTwo);
  for (const ago of [5, 900]) await insertRun(ago, 'succeeded', viaThree);
  await insertRun(800, 'cancelled', [
    ['one', [], 0, 1],
    ['two', ['one'], 0, null],
  ]);
  // Before the window.
  await insertRun(5_000, 'succeeded', viaThree);
  while (await rollUp(pool, 3_600));
  const { status, body } = await api.call('GET', `${PATH}/flow`);
  expect(status).toBe(200);
  expect(body).toMatchObject({ name: 'figures.flow', namespace: 'figures' });
  expect(body.runs).toMatchObject({
    finished: { succeeded: 5, failed: 0, cancelled: 1, resolved: 0 },
    skipped: 0,
    success_rate: 1,
    processing_seconds: { p50: about(10), p99: about(10) },
    queue_wait_seconds: NONE,
  });
  expect(body.critical_path).toEqual({ runs: 6, typical: ['one', 'two', 'four'], typical_runs: 3 });
  type Sent = { step: string; name: string; after: string[]; on_critical_path: number };
  expect(
    body.steps.map(({ step: key, name, after, on_critical_path }: Sent) => [
      key,
      name,
      after,
      on_critical_path,
    ]),
  ).toEqual([
    ['one', 'figures.flow.one', [], 6],
    ['two', 'figures.flow.two', ['one'], 3],
    ['three', 'figures.flow.three', ['one'], 2],
    ['four', 'figures.flow.four', ['two', 'three'], 5],
    ['on_failure', 'figures.flow.on_failure', [], 0],
  ]);
  expect(body.steps[1]).toMatchObject({
    finished: { succeeded: 5 },
    processing_seconds: { p50: about(8), p99: about(8), average: 5.2 },
    queue_wait_seconds: { average: 0 },
  });
  const longer = await api.call('GET', `${PATH}/flow?window_minutes=120`);
  expect(longer.body.runs.finished.succeeded).toBe(6);
  expect(longer.body.critical_path).toEqual({ runs: 7, typical: ['one', 'three', 'four'], typical_runs: 3 });
});

test('of the runs of a real runner, too: skipped steps are apart, failures are those of the step and of the workflow', async () => {
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, flow, flowCode)) });
  const ids: string[] = [];
  for (const act of ['all', 'some', 'some', 'fail']) ids.push((await submitWorkflow(pool, flow, { act })).id);
  for (const id of ids) await finished(pool, id);
  const { body } = await api.call('GET', `${PATH}/figures.flow?window_minutes=5`);
  expect(body.runs).toMatchObject({
    finished: { succeeded: 3, failed: 1 },
    success_rate: 0.75,
    queue_wait_seconds: NONE,
  });
  const figuresOf = (key: string) => body.steps.find((one: { step: string }) => one.step === key);
  expect(figuresOf('two')).toMatchObject({
    finished: { succeeded: 3, failed: 1 },
    skipped: 0,
    success_rate: 0.75,
  });
  const three = { finished: { succeeded: 4 }, skipped: 3, success_rate: 1, attempts_per_task: 1 };
  expect(figuresOf('three')).toMatchObject({ ...three, processing_seconds: { p50: expect.any(Number) } });
  expect(figuresOf('four')).toMatchObject({ finished: { succeeded: 3 }, skipped: 0 });
  expect(figuresOf('on_failure')).toMatchObject({ finished: { succeeded: 4 }, skipped: 3 });
  expect(body.critical_path.runs).toBe(4);

  const { rows } = await pool.query<{ took: boolean }>(
    `select finished_at - started_at >= (select max(s.finished_at) - min(s.started_at) from errand.tasks s where s.parent_id = t.id) as took
       from errand.tasks t where t.children > 0`,
  );
  expect(rows.map(({ took }) => took)).toEqual([true, true, true, true]);
  const { body: bottlenecks } = await api.call('GET', '/v1/analytics/bottlenecks?namespace=figures');
  expect(bottlenecks.blocked_workflows).toEqual([
    {
      name: 'figures.flow',
      namespace: 'figures',
      workflows: 1,
      workflows_is_capped: false,
      steps: ['two'],
      last_failed_at: expect.stringMatching(/Z$/),
      example_id: ids[3],
    },
  ]);
  const stats = await api.call('GET', '/v1/tasks/stats?name=figures.flow.four');
  expect(stats.body.total).toMatchObject({ finished: { succeeded: 3 }, open: { waiting: 1 } });
});

test('a workflow of which nothing finished has nothing', async () => {
  const { body } = await api.call('GET', `${PATH}/idle`);
  expect(body).toMatchObject({
    runs: { finished: { succeeded: 0 }, success_rate: null },
    critical_path: { runs: 0, typical: [], typical_runs: 0 },
    steps: [{ step: 'only', on_critical_path: 0, processing_seconds: NONE }],
  });
});

test("what is no workflow, or not the caller's, is not found", async () => {
  for (const name of ['task', 'nothing', 'flow.one']) {
    expect(await api.call('GET', `${PATH}/${name}`)).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND' },
    });
  }
  expect((await api.call('GET', `${PATH}/flo`)).body.details[0]).toEqual({
    path: '/path',
    message: 'figures.flow',
  });
  expect((await api.call('GET', `/v1/analytics/workflows/other/figures.flow`)).status).toBe(404);
  const foreign = await startApi(pool, {
    registry,
    authenticate: async () => ({ ...ANONYMOUS, namespaces: ['a'] }),
  });
  const { status, text } = await foreign.call('GET', `${PATH}/flow`);
  expect(status).toBe(404);
  expect(text.replace('figures.flow', '')).not.toContain('figures');
  const own = await startApi(pool, {
    registry,
    authenticate: async () => ({ ...ANONYMOUS, namespaces: ['figures'] }),
  });
  expect((await own.call('GET', `${PATH}/flow`)).status).toBe(200);
  expect((await api.call('GET', `${PATH}/flow?window_minutes=0`)).body).toMatchObject({
    code: 'VALIDATION_FAILED',
    details: [{ path: '/query/window_minutes' }],
  });
});
