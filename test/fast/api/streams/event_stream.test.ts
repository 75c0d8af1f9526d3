import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished, submitOne } from '../../../support/tasks.ts';
import { reader, scripted, setState, taskWithLines } from './streaming.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const eventsOf = (id: string): string => `${api.url}/v1/tasks/${id}/events`;

/** What events tell, in short: attempts that ended, states with their progress, the end. */
function told(events: Awaited<ReturnType<typeof reader>>['events']): string[] {
  return events.map(({ event, data }) => {
    if (event === 'attempt') return `attempt ${data.attempt} ${data.outcome}`;
    return [event, data.state, data.progress].filter((part) => part !== null && part !== undefined).join(' ');
  });
}

test('state and progress come as they change, attempts as they end, and at last the end', async () => {
  const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const { id } = await submitOne(pool, { name: 't.events', payload: {} });
  const source = await reader(eventsOf(id));
  await source.received(1);
  await startTestRunner(pool, {
    registeredHandlers: new Map([
      scripted('t.events', async (_payload, { attempt, progress }) => {
        await gates[0]?.promise;
        if (attempt === 1) throw new Error('first luck');
        progress(0.5, 'half');
        await gates[1]?.promise;
      }),
    ]),
  });
  await source.received(2);
  gates[0]?.resolve();
  await reachedProgress(id);
  gates[1]?.resolve();
  expect(await source.closed).toBe(true);
  const tale = told(source.events);
  expect(tale[0]).toBe('state queued');
  expect(tale[1]).toBe('state running');
  expect(tale).toContain('attempt 1 failed');
  expect(tale).toContain('state running 0.5');
  expect(tale.slice(-2)).toEqual(['state succeeded 0.5', 'end succeeded']);
  expect(source.events.find(({ event }) => event === 'attempt')?.data).toMatchObject({
    attempt: 1,
    error: { message: 'first luck' },
    finished_at: expect.stringMatching(/Z$/),
  });

  async function reachedProgress(taskId: string): Promise<void> {
    const watching = await reader(eventsOf(taskId));
    for (let count = 1; !told(watching.events).includes('state running 0.5'); count++)
      await watching.received(count);
    watching.close();
  }
});

test('whoever comes back is told what he has not been: no attempt twice, and where the task is only if that differs', async () => {
  await startTestRunner(pool, {
    registeredHandlers: new Map([
      scripted('t.again', (_payload, { attempt }) => {
        if (attempt < 4) throw new Error(`${attempt}`);
      }),
    ]),
  });
  const { id } = await submitOne(pool, { name: 't.again', payload: {} });
  await finished(pool, id);
  const whole = await reader(eventsOf(id));
  expect(await whole.closed).toBe(true);
  const all = [
    'attempt 1 failed',
    'attempt 2 failed',
    'attempt 3 failed',
    'state succeeded',
    'end succeeded',
  ];
  expect(told(whole.events)).toEqual(all);
  for (const [index, { id: last }] of whole.events.slice(0, -1).entries()) {
    const rest = await reader(eventsOf(id), { 'last-event-id': last ?? '' });
    expect(await rest.closed).toBe(true);
    expect(told(rest.events)).toEqual(all.slice(index + 1));
  }
});

test('a task with hundreds of attempts is told in steps', async () => {
  const id = await taskWithLines(pool, 0, { state: 'running' });
  await pool.query(
    `insert into errand.attempts (task_id, attempt, outcome, finished_at)
     select $1, n, 'interrupted', now() from generate_series(1, 250) n`,
    [id],
  );
  await pool.query('update errand.tasks set attempt = 251 where id = $1', [id]);
  const source = await reader(eventsOf(id));
  await source.received(251);
  expect(told(source.events).slice(-2)).toEqual(['attempt 250 interrupted', 'state running']);
  await setState(pool, id, 'succeeded');
  expect(await source.closed).toBe(true);
});

test('who cancels is heard of, too', async () => {
  const { id } = await submitOne(pool, { name: 'example.sleep', payload: { ms: 1 } });
  const source = await reader(eventsOf(id));
  await source.received(1);
  expect((await api.call('DELETE', `/v1/tasks/${id}`)).status).toBe(200);
  expect(await source.closed).toBe(true);
  expect(told(source.events).at(-1)).toBe('end cancelled');
});
