import { expect, test } from 'vitest';
import { defineSteps, defineWorkflow, step } from '../../../../core/workflow.ts';
import type { RegisteredHandler } from '../../../../runner/execute/execute.ts';
import { servedHandlers } from '../../../../runner/served.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { createDatabase } from '../../../support/database.ts';
import { pause, resume } from '../../../support/pauses.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { countDispatches, finished } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { createWitness } from '../../limits/limited.ts';
import { base, diamond, diamondCode, linear, linearCode } from '../../workflows/shapes.ts';
import { childrenOf, registeredHandlersOf, submitWorkflow } from '../../workflows/workflows.ts';
import { knows } from '../pausable.ts';
import { heldTasks, noteDispatches } from './handing.ts';

// Issue 21: what becomes due by an outcome goes on in the runner that records it, if it has room; else by a dispatch.

async function prepared(prefix = 'graph.linear') {
  const { pool } = await createDatabase();
  const announced = await noteDispatches(pool, prefix);
  return { pool, announced };
}

test('steps in a row and the end of their workflow need one dispatch, and the first to come is the last to wait', async () => {
  const { pool, announced } = await prepared();
  const held: boolean[] = [];
  const code = defineSteps(linear, {
    steps: {
      ...linearCode.steps,
      two: {
        async handler(_payload, { id, results }) {
          const { rows } = await pool.query<{ held: boolean }>(
            'select errand.is_held(dispatch_id) as held from errand.tasks where id = $1',
            [id],
          );
          held.push(rows[0]?.held === true);
          return { value: results.one.value + 1 };
        },
      },
    },
  });
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, linear, code)) });
  const { id } = await submitWorkflow(pool, linear, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1, result: { value: 5 } });
  expect(await announced()).toEqual(['one']);
  expect(held).toEqual([true]);
  await until('nothing is left', async () => (await countDispatches(pool)) === 0);
  expect(await heldTasks(pool)).toEqual([]);
});

test('a fork is handed off as far as there are free slots, and a join by the last before it', async () => {
  const { pool, announced } = await prepared('graph.diamond');
  const registeredHandlers = new Map(registeredHandlersOf(pool, diamond, diamondCode));
  const narrow = await startTestRunner(pool, { concurrency: 1, registeredHandlers });
  const first = await submitWorkflow(pool, diamond, { value: 1 });
  expect(await finished(pool, first.id)).toMatchObject({ state: 'succeeded', result: { value: 4 } });
  // One slot: one of the two is dispatched, for whoever has a slot.
  expect(await announced()).toEqual(['double', 'minus']);
  await narrow.stop();
  await pool.query('truncate announced');
  await startTestRunner(pool, { concurrency: 2, registeredHandlers });
  const second = await submitWorkflow(pool, diamond, { value: 1 });
  expect(await finished(pool, second.id)).toMatchObject({ state: 'succeeded', result: { value: 4 } });
  expect(await announced()).toEqual(['double']);
});

test('what only another runner can execute goes there by a dispatch, also if the next runner serves a single step', async () => {
  const { pool, announced } = await prepared();
  const ran: string[] = [];
  const named = (who: string): Map<string, RegisteredHandler> =>
    new Map(
      registeredHandlersOf(pool, linear, linearCode).map(([name, registered]) => [
        name,
        {
          ...registered,
          handler: (payload: unknown, context: never) => {
            ran.push(`${who} ${name}`);
            return registered.handler(payload as never, context);
          },
        } as RegisteredHandler,
      ]),
    );
  await startTestRunner(pool, {
    registeredHandlers: servedHandlers(named('a'), ['graph.linear.one', 'graph.linear.two']),
  });
  const rest = ['graph.linear.three', 'graph.linear.four'];
  const second = await startTestRunner(pool, { registeredHandlers: servedHandlers(named('b'), rest) });
  const { id } = await submitWorkflow(pool, linear, { value: 1 });
  // Its end comes with the last step: the workflow itself needs no runner that can execute it.
  expect(await finished(pool, id)).toMatchObject({ result: { value: 5 } });
  expect(ran).toEqual([
    'a graph.linear.one',
    'a graph.linear.two',
    'b graph.linear.three',
    'b graph.linear.four',
  ]);
  expect(await announced()).toEqual(['one', 'three']);
  await second.stop();
});

test('a paused step is dispatched and waits, and if the runner has not heard of the pause it gives it back', async () => {
  const { pool, announced } = await prepared();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { promise: again, resolve: openAgain } = Promise.withResolvers<void>();
  const ran: string[] = [];
  const code = defineSteps(linear, {
    steps: {
      ...linearCode.steps,
      one: {
        async handler({ value }) {
          ran.push('one');
          await gate;
          return { value: value + 1 };
        },
      },
      two: {
        async handler(_payload, { results }) {
          ran.push('two');
          await again;
          return { value: results.one.value + 1 };
        },
      },
      three: {
        handler(_payload, { results }) {
          ran.push('three');
          return { value: results.two.value + 1 };
        },
      },
    },
  });
  await registerDefinitions(pool, [linear]);
  const runner = await startTestRunner(pool, {
    leaseSecs: 600,
    registeredHandlers: new Map(registeredHandlersOf(pool, linear, code)),
  });
  await until('the runner listens', async () => {
    const { rows } = await pool.query('select from errand.runners where heartbeat_at > started_at');
    return rows.length === 1;
  });
  const { id } = await submitWorkflow(pool, linear, { value: 1 });
  await until('the first step runs', () => ran.length === 1);
  await pause(pool, 'graph.linear.two');
  await knows(runner, 'graph', ['graph.linear.two']);
  open();
  await until('it is dispatched', async () => (await announced()).includes('two'));
  expect(await childrenOf(pool, id)).toMatchObject({ one: 'succeeded 1', two: 'queued 1' });
  expect(await heldTasks(pool)).toEqual([]);
  await resume(pool, 'graph.linear.two');
  await until('the second step runs', () => ran.length === 2);
  await knows(runner, 'graph', []);
  // Nobody tells the runner of this one: the attempt that it gets says so.
  await pause(pool, 'graph.linear.three', false);
  openAgain();
  await until('it is given back', async () => (await announced()).includes('three'));
  await knows(runner, 'graph', ['graph.linear.three']);
  expect(ran).toEqual(['one', 'two']);
  expect(await heldTasks(pool)).toEqual([]);
  await resume(pool, 'graph.linear.three');
  expect(await finished(pool, id)).toMatchObject({ result: { value: 5 } });
  expect(ran).toEqual(['one', 'two', 'three']);
});

test('the limits of a step hold for what is handed off', async () => {
  const { pool, announced } = await prepared('graph.narrow');
  const narrow = defineWorkflow({
    ...base,
    name: 'graph.narrow',
    steps: { first: step({}), scarce: step({ after: ['first'], policy: { concurrency: 1 } }) },
  });
  await registerDefinitions(pool, [narrow]);
  const witness = createWitness();
  const COUNT = 5;
  let left = COUNT;
  const somebodyWaits = async (): Promise<boolean> => {
    const { rows } = await pool.query('select from errand.limit_waits');
    return left === 1 || rows.length > 0;
  };
  const code = defineSteps(narrow, {
    steps: {
      first: { handler: () => null },
      scarce: {
        handler: () =>
          witness.within(['all'], async () => {
            await until('another one waits', somebodyWaits);
            left--;
            return null;
          }),
      },
    },
  });
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, narrow, code)) });
  const values = Array.from({ length: COUNT }, (_none, value) => value);
  const all = await Promise.all(values.map((value) => submitWorkflow(pool, narrow, { value })));
  for (const { id } of all) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(witness.most('all')).toBe(1);
  const { rows } = await pool.query(
    'select task_id from errand.limit_slots union all select task_id from errand.limit_waits',
  );
  expect(rows).toEqual([]);
  // Those that waited were called by a dispatch.
  expect(await announced()).toContain('scarce');
});
