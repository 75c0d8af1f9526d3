import { expect, test } from 'vitest';
import { createRegistry } from '../../../../core/registry.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import { type Statement, watched } from '../app.ts';
import { textTask } from '../definitions.ts';

const { pool } = await createDatabase();
const task = textTask('shared.task', { dedup: { strategy: 'none' } });
await registerDefinitions(pool, [task]);
const statements: Statement[] = [];
const readPool = watched(pool, (statement) => statements.push(statement));
const api = await startApi(pool, { registry: createRegistry([task]), readPool });

const ASKERS = 20;

/** How many statements with this text were sent while so many callers asked for one path at once. */
async function sentFor(path: string, text: string): Promise<number> {
  statements.length = 0;
  const answers = await Promise.all(Array.from({ length: ASKERS }, () => api.call('GET', path)));
  expect(answers.map(({ status }) => status)).toEqual(Array(ASKERS).fill(200));
  for (const { body } of answers) expect(Object.keys(body)).toEqual(Object.keys(answers[0]?.body));
  return statements.filter((statement) => statement.text.includes(text)).length;
}

test.each([
  ['/v1/tasks', 't.id as page_id'],
  ['/v1/tasks', 'select count(*)'],
  ['/v1/tasks?state=queued', 't.id as page_id'],
  ['/v1/tasks/stats', 'from errand.rollup_watermark'],
  ['/v1/analytics/performance', 'from errand.rollup_watermark'],
  ['/v1/analytics/bottlenecks', 'from errand.rollup_watermark'],
])('callers that ask for %s at once share its statements (%s)', async (path, text) => {
  // Without sharing there is always one for each. How many share depends on when they arrive.
  await until('fewer statements than callers', async () => (await sentFor(path, text)) < ASKERS);
});

test('a list has every task whose submission was answered before, however many ask', async () => {
  const asking = { isOver: false };
  const others = Array.from({ length: 4 }, async () => {
    while (!asking.isOver) await api.call('GET', '/v1/tasks?page_size=5');
  });
  for (let count = 0; count < 30; count++) {
    const { body: made } = await api.call('POST', '/v1/tasks/shared.task', { payload: { text: 'a' } });
    const { body } = await api.call('GET', '/v1/tasks?page_size=5');
    expect(body.tasks[0].id).toBe(made.task.id);
  }
  asking.isOver = true;
  await Promise.all(others);
});

test('callers with other filters, pages and rights share nothing', async () => {
  const paths = ['', '?page_size=1', '?page_size=1&page=2', '?name=shared.task', '?name=shared.none'];
  const alone = [];
  for (const path of paths) alone.push((await api.call('GET', `/v1/tasks${path}`)).body);
  const together = await Promise.all(
    Array.from({ length: 6 }, () => paths)
      .flat()
      .map(async (path) => [path, (await api.call('GET', `/v1/tasks${path}`)).body] as const),
  );
  for (const [path, body] of together) expect(body).toEqual(alone[paths.indexOf(path)]);
});
