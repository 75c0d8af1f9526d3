import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { finishedTasks } from '../../../demo/follow.ts';
import { checkSecond } from '../../../demo/run.ts';
import { readParagraphs } from '../../../demo/text.ts';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { launch, startProcess } from '../../support/processes.ts';
import { submitOne } from '../../support/tasks.ts';

const database = await createDatabase();
const paragraphs = readParagraphs();

/** Runs the demo as a process of its own; gives its exit code and what it printed. */
async function demo(environment: Record<string, string>): Promise<{ code: unknown; output: string }> {
  const { exited, output } = launch('demo/main.ts', environment);
  return { code: await exited, output: output() };
}

/** What the ledger holds of the demo's tasks, and how often anything was executed. */
async function ledger(): Promise<{ tasks: unknown[]; attempts: unknown[] }> {
  const { rows: tasks } = await database.pool.query(
    `select id, state, attempt, started_at, finished_at, result from errand.tasks where name = 'text.count_words' order by id`,
  );
  const { rows: attempts } = await database.pool.query('select * from errand.attempts');
  return { tasks, attempts };
}

test('it counts the text twice, the second time from the record, and so does a second demo both times', async () => {
  const [api] = await Promise.all([
    startProcess('api/main.ts', database.url),
    startProcess('runner/main.ts', database.url),
  ]);
  const first = await demo({ ERRAND_URL: api.url });
  expect(first).toEqual({ code: 0, output: expect.stringContaining('submitted to the API at') });
  const submissions = [
    ...first.output.matchAll(/submitted (\d+) tasks in .*: (\d+) new, (\d+) already known/g),
  ];
  const all = String(paragraphs.length);
  expect(submissions.map(([, ...counts]) => counts)).toEqual([
    [all, all, '0'],
    [all, '0', all],
  ]);
  expect(first.output).toMatch(/words +18,377\n +characters +100,486\n +longest word +uncomfortableness\n/);
  expect(first.output).toMatch(/elapsed +\d+\.\d\d s.*\n +paragraphs\/s +[\d,]+\n/);
  expect(first.output).toContain(`  ${all} of ${all}\n`);
  expect(first.output).toContain('Nothing was executed again');
  expect(first.output).not.toContain('had counted everything');
  const before = await ledger();
  expect(before.tasks).toHaveLength(paragraphs.length);
  expect(before.attempts).toEqual([]);

  const second = await demo({ ERRAND_URL: `${api.url}/` });
  expect(second.code).toBe(0);
  expect(second.output.match(/: 0 new, 179 already known/g)).toHaveLength(2);
  expect(second.output).toContain('Nothing was executed again');
  expect(second.output).toContain('An earlier run had counted everything');
  // It is the pool's time, and not how fast the API lets a client read.
  const elapsed = (output: string): string[] => output.match(/elapsed .*|paragraphs\/s .*/g) ?? [];
  expect(elapsed(second.output)).toEqual(elapsed(first.output));
  expect(await ledger()).toEqual(before);

  // It looks at what is recorded, not at what it expects.
  await database.pool.query(
    `update errand.tasks set result = jsonb_set(result, '{words}', '1') where id = (select min(id::text)::uuid from errand.tasks)`,
  );
  const third = await demo({ ERRAND_URL: api.url });
  expect(third).toEqual({
    code: 1,
    output: expect.stringContaining('The recorded results differ from a count of the text'),
  });
});

test('a second time that made or changed a task is no success', () => {
  const record = {
    id: 'a',
    state: 'succeeded',
    attempt: 1,
    started_at: 'then',
    finished_at: 'then',
    error: null,
    result: {},
    attempts: [{}],
  };
  const first = { records: [record], created: 1, duplicates: 0 };
  const again = { records: [record], created: 0, duplicates: 1 };
  expect(() => checkSecond(first, again)).not.toThrow();
  expect(() => checkSecond(first, first)).toThrow('1 tasks were new and 0 of 1 were known');
  for (const change of [{ attempt: 2 }, { finished_at: 'later' }, { attempts: [{}, {}] }]) {
    const changed = { ...again, records: [{ ...record, ...change }] };
    expect(() => checkSecond(first, changed)).toThrow('Task a changed with the second submission');
  }
});

test('when nothing answers at ERRAND_URL it says so and what to do', async () => {
  expect(await demo({ ERRAND_URL: 'http://127.0.0.1:1' })).toEqual({
    code: 1,
    output:
      'No API answers at http://127.0.0.1:1 (ERRAND_URL): start one with `npm start`, or unset ERRAND_URL to let the demo start its own\n',
  });
});

test('when something else answers there it says so', async () => {
  const other = createServer((_request, response) => response.end('hello'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  expect(await demo({ ERRAND_URL: url })).toEqual({
    code: 1,
    output: expect.stringContaining(`The server at ${url} is not Errand's API`),
  });
});

test('without a runner it gives up and asks for one', async () => {
  const api = await startApi(database.pool);
  const { id } = await submitOne(database.pool, { name: 'example.echo', payload: { message: 'anybody?' } });
  await expect(finishedTasks(api.url, [id], () => {}, 100)).rejects.toThrow(
    'No task has finished for 0.1 s (0 of 1 have): check that a runner is running',
  );
});
