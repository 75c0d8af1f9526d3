import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Principal } from '../../../../api/auth/principal.ts';
import { PermanentError } from '../../../../core/errors.ts';
import { recoverLostRunners } from '../../../../store/attempts/recovery.ts';
import { reportRunning } from '../../../../store/attempts/running.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished, inState, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { registryWith, textTask } from '../definitions.ts';
import { codesOf, explanationOf, fakeRunner } from '../explaining.ts';

const { pool } = await createDatabase();
const SLOW = textTask('explained.slow', { backoff: { initialMs: 3_600_000, maxMs: 3_600_000 } });
const FAST = textTask('explained.fast', { backoff: { initialMs: 1, maxMs: 1 }, maxAttempts: 2 });
const SHORT = textTask('explained.short', { timeoutMs: 1, maxAttempts: 1 });
const CRASHED = textTask('explained.crashed', {});
const registry = registryWith(SLOW, FAST, SHORT, CRASHED);
await registerDefinitions(pool, registry.definitions);
const api = await startApi(pool, { registry });

/** A runner that does what the text of a payload says. */
function runner(): ReturnType<typeof startTestRunner> {
  const act = async (
    { text }: { text?: unknown },
    { signal, progress }: { signal: AbortSignal; progress: (fraction: number, note: string) => void },
  ): Promise<unknown> => {
    if (text === 'fail') throw new TypeError('no paper');
    if (text === 'give up') throw new PermanentError('no printer');
    if (text === 'run') {
      progress(0.5, 'half way');
      await setTimeout(600_000, undefined, { signal });
    }
    return null;
  };
  const registeredHandlers = [SLOW, FAST, SHORT].map((definition) =>
    registeredHandler(definition, (payload, context) => act(payload as object, context)),
  );
  return startTestRunner(pool, { registeredHandlers: new Map(registeredHandlers) });
}

async function submit(name: string, payload: unknown): Promise<string> {
  const { id } = await submitOne(pool, {
    name,
    payload,
    maxAttempts: registry.get(name)?.policy.maxAttempts ?? 1,
  });
  return id;
}

test('what becomes of tasks in a real runner is explained at every end', async () => {
  const { id: runnerId } = await runner();
  const of = { id: runnerId, host: expect.any(String), pid: process.pid };

  const succeeded = await submit('explained.fast', { text: 'succeed' });
  await finished(pool, succeeded);
  const success = await explanationOf(api, succeeded);
  expect(success.reasons).toMatchObject([{ code: 'succeeded', runner: of }]);
  expect(success.summary).toMatch(/^explained\.fast has succeeded: attempt 1 of 2 succeeded in .* by runner/);
  expect(success).toMatchObject({ queue: null, next_attempt_at: null, last_error: null });

  const permanent = await submit('explained.fast', { text: 'give up' });
  await finished(pool, permanent);
  expect((await explanationOf(api, permanent)).reasons).toMatchObject([
    { code: 'failed_permanently', message: expect.stringMatching(/PermanentError: no printer$/) },
  ]);

  const exhausted = await submit('explained.fast', { text: 'fail' });
  await finished(pool, exhausted);
  const end = await explanationOf(api, exhausted);
  expect(end.reasons).toMatchObject([{ code: 'attempts_exhausted' }]);
  expect(end.next_steps).toEqual([expect.stringContaining(`PATCH /v1/tasks/${exhausted}/retry`)]);
  expect(end.last_error.message).toBe('no paper');

  const timedOut = await submit('explained.short', { text: 'run' });
  await finished(pool, timedOut);
  expect(await codesOf(api, timedOut)).toEqual(['timed_out', 'attempts_exhausted']);

  const invalid = await submit('explained.fast', { words: 4 });
  await finished(pool, invalid);
  const unfit = await explanationOf(api, invalid);
  expect(unfit.reasons).toMatchObject([{ code: 'payload_invalid' }]);
  expect(unfit.last_error.metadata.details.length).toBeGreaterThan(0);

  const backingOff = await submit('explained.slow', { text: 'fail' });
  await inState(pool, backingOff, 'retrying');
  const later = await explanationOf(api, backingOff);
  expect(later).toMatchObject({
    attempt: 2,
    reasons: [
      {
        code: 'backing_off',
        message: expect.stringMatching(
          /^Attempt 1 of 25 failed with TypeError: no paper, and the next one is due in/,
        ),
        until: later.next_attempt_at,
      },
    ],
    runners: { live: 1, able: 1, slots: 10 },
    queue: null,
  });
});

test('running, asked to end, and cancelled', async () => {
  const { id: runnerId } = await runner();
  const id = await submit('explained.slow', { text: 'run' });
  const now = await until('its progress is written', async () => {
    const explanation = await explanationOf(api, id);
    return /half way/.test(explanation.summary) && explanation;
  });
  expect(now.reasons).toMatchObject([
    { code: 'running', runner: { id: runnerId, pid: process.pid }, until: expect.stringMatching(/Z$/) },
  ]);
  expect(now.summary).toMatch(/is 50 % done \(half way\), and has (59|60) min left until its time limit\.$/);
  await pool.query(
    `with asked as (update errand.tasks set cancel_requested_at = now() where id = $1 returning id)
     insert into errand.audit (actor, action, task_id, reason) select 'user:ann', 'cancel', id, 'enough' from asked`,
    [id],
  );
  expect((await explanationOf(api, id)).reasons).toMatchObject([
    { code: 'cancel_requested', actor: 'user:ann', reason: 'enough' },
    { code: 'running' },
  ]);
  await api.call('DELETE', `/v1/tasks/${id}?reason=really`);
  await finished(pool, id);
  const { reasons } = await explanationOf(api, id);
  expect(reasons).toMatchObject([{ code: 'cancelled', actor: 'anonymous', reason: 'really' }]);
  const waiting = await submit('explained.crashed', { text: 'never' });
  await api.call('DELETE', `/v1/tasks/${waiting}`);
  expect((await explanationOf(api, waiting)).reasons).toMatchObject([{ code: 'cancelled', reason: null }]);
});

test('under runners that die: overdue, then suspect, then quarantined', async () => {
  const id = await submit('explained.crashed', { text: 'crash' });
  const witness = await fakeRunner(pool, { names: [] });
  await pool.query(`update errand.runners set steady_since = now() - interval '1 day' where id = $1`, [
    witness,
  ]);
  for (const crashes of [1, 2, 3, 4, 5]) {
    const doomed = await fakeRunner(pool, { names: ['explained.crashed'] });
    const { rows } = await pool.query('select dispatch_id, attempt from errand.tasks where id = $1', [id]);
    const report = {
      id,
      dispatchId: rows[0].dispatch_id,
      attempt: rows[0].attempt,
      elapsedMs: 0,
      lines: [],
      progress: null,
    };
    await reportRunning(pool, doomed, [report]);
    // Only who had the process to itself is quarantined.
    await pool.query(
      `update errand.runners set heartbeat_at = now() - interval '1 hour', parent_id = 0 where id = $1`,
      [doomed],
    );
    expect((await explanationOf(api, id)).reasons).toMatchObject([
      { code: 'runner_overdue', runner: { id: doomed } },
      { code: 'running' },
    ]);
    await recoverLostRunners(pool, witness);
    if (crashes < 5) expect(await codesOf(api, id)).toEqual(['no_runner_for_name', 'suspect']);
  }
  const { reasons, last_error } = await explanationOf(api, id);
  expect(reasons).toMatchObject([{ code: 'quarantined', message: expect.stringMatching(/5 times/) }]);
  expect(last_error.error_code).toBe('QUARANTINED');
});

test('resolved by hand', async () => {
  const id = await submit('explained.crashed', { text: 'resolve' });
  await pool.query(
    `update errand.tasks set state = 'resolved', dispatch_id = null, finished_at = now() where id = $1`,
    [id],
  );
  await pool.query(
    `insert into errand.audit (actor, action, task_id, reason) values ('user:ann', 'resolve', $1, 'by phone')`,
    [id],
  );
  const { reasons } = await explanationOf(api, id);
  expect(reasons).toMatchObject([{ code: 'resolved', actor: 'user:ann', reason: 'by phone' }]);
});

test('of a task that is not there, or in a foreign namespace, nothing is told', async () => {
  const principal: Principal = { actor: 'key:b', namespaces: ['other'], scopes: new Set(['read']) };
  const foreign = await startApi(pool, { registry, authenticate: async () => principal });
  const own = await startApi(pool, {
    registry,
    authenticate: async () => ({ ...principal, namespaces: ['explained'] }),
  });
  const id = await submit('explained.crashed', { text: 'secret' });
  expect((await own.call('GET', `/v1/tasks/${id}/explain`)).status).toBe(200);
  const refused = await foreign.call('GET', `/v1/tasks/${id}/explain`);
  expect(refused).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  const none = '01a1fda3-8ecb-7e32-bbab-5d3baba36f01';
  const missing = await api.call('GET', `/v1/tasks/${none}/explain`);
  expect(missing.status).toBe(404);
  expect(missing.body.error.replace(none, id)).toBe(refused.body.error);
  expect((await api.call('GET', '/v1/tasks/none/explain')).status).toBe(400);
});
