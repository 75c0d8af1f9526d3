import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask, type Handler, type TaskContext } from '../../../../core/task.ts';
import { createPace } from '../../../../runner/execute/pace.ts';
import { attemptRunner } from '../../../../runner/execute/run_attempt.ts';
import { type Running, trackRunning } from '../../../../runner/execute/running.ts';
import { createTaskLog } from '../../../../runner/execute/task_log.ts';
import { createEvents } from '../../../../runner/record/events.ts';
import { openPool } from '../../../../store/database/pool.ts';
import { due } from '../dispatch_work.ts';

const log = pino({ level: 'silent' });
const definition = defineTask({
  ...{ name: 't.x', version: '1.0.0', description: 'For a test.' },
  ...{ payload: z.object({}), example: {} },
});
/** Nothing here needs it. */
const pgPool = openPool({
  connectionString: 'postgres://127.0.0.1:1/none',
  ...{ applicationName: 'test', size: 1 },
  statementTimeoutMs: 1_000,
  onError: () => {},
});

let running: Running | null = null;
afterEach(() => running?.close());

/** A runner of attempts of `t.x`, and how many slots it has freed. */
function runnerOf(handler: Handler, report: () => Promise<Set<string>> = async () => new Set()) {
  let freed = 0;
  running = trackRunning({ report, graceMs: 1_000, concurrency: 1, log });
  const run = attemptRunner(
    {
      ...{ pgPool, log, running, events: createEvents(log) },
      registeredHandlers: new Map([['t.x', { definition, handler }]]),
      taskLog: createTaskLog(log, { write: () => {} }),
      slots: { free: () => {}, handOn: () => false, keep: () => {}, hold: async () => {} },
    },
    createPace(),
    () => freed++,
  );
  return { run, freed: () => freed };
}

test('an outcome waits for the report that is being written, frees its slot before, and has what that could not write', async () => {
  const reporting = Promise.withResolvers<void>();
  const written = Promise.withResolvers<Set<string>>();
  const { run, freed } = runnerOf(
    async (_payload, context) => {
      context.log.info('before');
      context.progress(0.5);
      await reporting.promise;
      context.log.info('after');
    },
    () => {
      reporting.resolve();
      return written.promise;
    },
  );
  let isThere = false;
  const outcome = run(due('a'), performance.now()).finally(() => {
    isThere = true;
  });
  await reporting.promise;
  await new Promise(setImmediate);
  expect({ isThere, freed: freed(), count: running?.count() }).toEqual({
    ...{ isThere: false, freed: 1, count: 0 },
  });
  written.reject(new Error('Postgres is away'));
  expect(await outcome).toMatchObject({
    kind: 'succeeded',
    lines: [{ message: 'before' }, { message: 'after' }],
    progress: { fraction: 0.5 },
  });
});

test('a slot is freed once, whether the handler gives, throws, or is not to be begun', async () => {
  const { run, freed } = runnerOf(async () => {
    throw new Error('no luck');
  });
  expect(await run(due('a'), performance.now())).toMatchObject({ kind: 'failed' });
  expect(freed()).toBe(1);
  await expect(run({ ...due('b'), name: 't.unknown' }, performance.now())).rejects.toThrow('t.unknown');
  expect(freed()).toBe(2);
  // Its start is announced, and the ledger says that it is not this runner's any more.
  expect(await run({ ...due('c'), isSuspect: true }, performance.now())).toBeNull();
  expect({ freed: freed(), count: running?.count() }).toEqual({ freed: 3, count: 0 });
});

test('what a handler logs after its end is not in the outcome, whether it has logged before or not', async () => {
  for (const before of [['before'], []]) {
    const contexts: TaskContext[] = [];
    const { run } = runnerOf(async (_payload, context) => {
      for (const line of before) context.log.info(line);
      contexts.push(context);
    });
    const outcome = await run(due('a'), performance.now());
    contexts[0]?.log.warn('late');
    expect(outcome?.lines.map(({ message }) => message)).toEqual(before);
  }
});
