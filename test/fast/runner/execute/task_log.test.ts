import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { finished, inState } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { run, start } from '../one_task.ts';

const { pool } = await createDatabase();

type Line = { seq: number; attempt: number; level: string; message: string; fields: unknown };

async function linesOf(taskId: string): Promise<Line[]> {
  const { rows } = await pool.query<Line>(
    'select seq, attempt, level, message, fields from errand.logs where task_id = $1 order by seq',
    [taskId],
  );
  return rows;
}

test('what a handler logs is stored with its outcome: numbered, with level and fields', async () => {
  const task = await run(pool, 'l.short', (_payload, { log }) => {
    log.debug('not this');
    log.info('one');
    log.warn({ amount: 3, secret: { headers: { authorization: 'Bearer x' } } }, 'two %s', 'formatted');
    log.child({ part: 'a' }).error(new Error('three'));
  });
  expect(await linesOf(task.id)).toMatchObject([
    { seq: 1, attempt: 1, level: 'info', message: 'one', fields: null },
    {
      seq: 2,
      level: 'warn',
      message: 'two formatted',
      fields: { amount: 3, secret: { headers: { authorization: '[redacted]' } } },
    },
    { seq: 3, level: 'error', message: 'three', fields: { part: 'a', err: { message: 'three' } } },
  ]);
});

test('lines of all attempts are numbered on without a gap', async () => {
  const task = await run(pool, 'l.attempts', (_payload, { log, attempt }) => {
    log.info(`begin ${attempt}`);
    log.info(`end ${attempt}`);
    if (attempt < 3) throw new Error('again');
  });
  expect((await linesOf(task.id)).map(({ seq, attempt, message }) => [seq, attempt, message])).toEqual([
    [1, 1, 'begin 1'],
    [2, 1, 'end 1'],
    [3, 2, 'begin 2'],
    [4, 2, 'end 2'],
    [5, 3, 'begin 3'],
    [6, 3, 'end 3'],
  ]);
});

test('lines and progress of a long attempt show while it runs, and the last of them at its end', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const task = await start(pool, 'l.long', async (_payload, { log, progress }) => {
    log.info('working');
    progress(0.4, 'nearly half');
    await gate;
    log.info('done');
    progress(7);
  });
  await until('its line is stored', async () => (await linesOf(task.id)).length === 1);
  expect(await inState(pool, task.id, 'running')).toMatchObject({
    progress: 0.4,
    progress_note: 'nearly half',
  });
  open();
  expect(await finished(pool, task.id)).toMatchObject({ state: 'succeeded', progress: 1 });
  expect((await linesOf(task.id)).map(({ message }) => message)).toEqual(['working', 'done']);
});

test('a flood of lines is bounded, and says so', async () => {
  const task = await run(pool, 'l.flood', (_payload, { log }) => {
    for (let line = 0; line < 5_000; line++) log.info(`line ${line}`);
  });
  const lines = await linesOf(task.id);
  expect(lines.length).toBeLessThan(2_100);
  expect(lines.at(-1)).toMatchObject({
    level: 'warn',
    message: expect.stringContaining('Too many log lines'),
  });
  expect(lines[1_000]).toMatchObject({ seq: 1_001, message: 'line 1000' });
});

test('an attempt that floods slowly is bounded in all', async () => {
  const task = await run(pool, 'l.slow_flood', async (_payload, { log }) => {
    for (let line = 0; line < 12_000; line++) {
      log.info('x');
      if (line % 1_900 === 1_899) {
        const stored = line + 1;
        await until('they are stored', async () => {
          const { rows } = await pool.query<{ count: number }>(
            `select count(*) from errand.logs l join errand.tasks t on t.id = l.task_id where t.name = 'l.slow_flood'`,
          );
          return (rows[0]?.count ?? 0) >= Math.min(stored, 10_000);
        });
      }
    }
  });
  const lines = await linesOf(task.id);
  expect(lines).toHaveLength(10_001);
  expect(lines.at(-1)?.message).toContain('Too many log lines');
});

test('a line that Postgres can not hold, or that is too long, does no harm', async () => {
  const task = await run(pool, 'l.bad', (_payload, { log }) => {
    log.info('nul \u0000 and half \ud800');
    log.info({ bad: 'a\u0000b', id: 9_007_199_254_740_993n }, 'fields');
    log.info('x'.repeat(50_000));
    log.info({ big: 'y'.repeat(100_000) }, 'big');
  });
  const lines = await linesOf(task.id);
  expect(lines[0]?.message).toBe('nul \ufffd and half \ufffd');
  expect(lines[1]?.fields).toEqual({ bad: 'a\ufffdb', id: '9007199254740993' });
  expect(lines[2]?.message.length).toBe(10_001);
  expect(lines[3]?.fields).toEqual({ omitted: expect.stringContaining('characters') });
});
