import { tmpdir } from 'node:os';
import type { Pool } from 'pg';
import { expect, test, vi } from 'vitest';
import { startApi } from '../../support/api.ts';
import { testConfig } from '../../support/api_options.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, outcomes, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { giteaPush } from '../api/webhooks/webhook_bodies.ts';
import { giteaHeaders, SENDERS } from '../api/webhooks/webhook_senders.ts';
import { buildFolders, declared, isRunning, makeRepository, OWN_LINE, pidsHere } from './ci-harness.ts';

// Builds in a real runner: what becomes of them in the ledger.

// Read once, when the handler is loaded.
vi.stubEnv('CI_REPOSITORIES', `file://${tmpdir()}`);
vi.stubEnv('ABORT_GRACE_SECS', '1');
const { pool } = await createDatabase();
const api = await startApi(pool, { config: testConfig(SENDERS) });

type Stored = { message: string; level: string; fields: Record<string, unknown> | null };

async function logOf(database: Pool, id: string): Promise<Stored[]> {
  const { rows } = await database.query<Stored>(
    'select message, level, fields from errand.logs where task_id = $1 order by seq',
    [id],
  );
  return rows;
}

function payloadOf(repository: string, commit: string) {
  return { repository, commit, branch: 'main' };
}

const SLOW = 'sleep 1000 & echo "pids $$ $!"; wait';

/** The pids that the script has told, as soon as they are stored. */
async function pidsOf(id: string): Promise<number[]> {
  const line = await until('the script has told its pids', async () =>
    (await logOf(pool, id)).find(({ message }) => message.startsWith('pids ')),
  );
  const pids = await pidsHere(line.message.split(' ').slice(1).map(Number));
  expect(pids.map(isRunning)).toEqual([true, true]);
  return pids;
}

test('from a push to its result: signature, task, checkout, script, lines, exit code, and nothing left', async () => {
  const repository = makeRepository();
  const run =
    'echo "building $ERRAND_REPOSITORY_NAME of $ERRAND_AUTHOR"; cat words; echo careful >&2; sleep 0.6; echo done';
  const commit = repository.commit({ ...declared(run), words: 'Call me Ishmael.\n' });
  await startTestRunner(pool);
  const push = {
    ...giteaPush,
    ref: 'refs/heads/main',
    after: commit,
    repository: { ...giteaPush.repository, clone_url: repository.url },
  };
  const body = JSON.stringify(push);
  const headers = giteaHeaders(body);
  const answer = await api.call('POST', '/v1/webhooks/gitea', body, headers);
  expect(answer.status).toBe(201);
  const { id } = answer.body.task as { id: string };
  const task = await finished(pool, id);
  expect(task).toMatchObject({
    state: 'succeeded',
    result: { exit_code: 0, duration_ms: expect.any(Number), lines: 4, truncated: false, commit },
  });
  expect((task.result as { duration_ms: number }).duration_ms).toBeGreaterThan(500);
  const lines = await logOf(pool, id);
  expect(lines.map(({ message, fields }) => [message, fields])).toEqual(
    expect.arrayContaining([
      ['building team/app of Ann Example', null],
      ['Call me Ishmael.', null],
      ['careful', { stream: 'stderr' }],
      ['done', null],
    ]),
  );
  expect(lines.filter(({ message }) => !OWN_LINE.test(message))).toHaveLength(4);
  expect(buildFolders()).toEqual([]);
  // Delivered again, it is the same build, and its result.
  const again = await api.call('POST', '/v1/webhooks/gitea', body, headers);
  expect([again.status, again.body.created, again.body.task]).toMatchObject([
    200,
    false,
    { id, state: 'succeeded' },
  ]);
});

test('a build that fails is not tried again, and its record says how it ended', async () => {
  const repository = makeRepository();
  const commit = repository.commit(declared('echo almost; exit 3'));
  await startTestRunner(pool);
  const { id } = await submitOne(pool, { name: 'ci.build', payload: payloadOf(repository.url, commit) });
  const task = await finished(pool, id);
  expect(task).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: {
      error_type: 'PermanentError',
      error_code: 'BUILD_FAILED',
      retryable: false,
      metadata: { exit_code: 3, last_lines: ['almost'] },
    },
  });
});

test('a repository that CI_REPOSITORIES does not have is refused for good', async () => {
  await startTestRunner(pool);
  const payload = payloadOf('file:///etc/passwd', 'a'.repeat(40));
  const { id } = await submitOne(pool, { name: 'ci.build', payload });
  expect(await finished(pool, id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { error_code: 'REPOSITORY_NOT_ALLOWED', message: expect.stringContaining('CI_REPOSITORIES') },
  });
});

test('cancelling ends the script with all that it has started', async () => {
  const repository = makeRepository();
  const commit = repository.commit(declared(SLOW));
  await startTestRunner(pool);
  const { id } = await submitOne(pool, { name: 'ci.build', payload: payloadOf(repository.url, commit) });
  const pids = await pidsOf(id);
  expect((await api.call('DELETE', `/v1/tasks/${id}`)).status).toBe(200);
  expect(await finished(pool, id)).toMatchObject({ state: 'cancelled' });
  await until('the processes are gone', () => !pids.some(isRunning), 5_000);
  await until('the folder is gone', () => buildFolders().length === 0, 5_000);
});

test('a runner that has to stop ends the script, and another builds again', async () => {
  const repository = makeRepository();
  const commit = repository.commit(declared(SLOW));
  const runner = await startTestRunner(pool, { shutdownTimeoutSecs: 0.1 });
  const { id } = await submitOne(pool, { name: 'ci.build', payload: payloadOf(repository.url, commit) });
  const pids = await pidsOf(id);
  await runner.stop();
  await until('the processes are gone', () => !pids.some(isRunning), 5_000);
  expect(buildFolders()).toEqual([]);
  expect(await outcomes(pool, id)).toEqual([[1, 'interrupted']]);
  await api.call('DELETE', `/v1/tasks/${id}`);
});

test('of thousands of lines written at once none is lost, and they are in order', async () => {
  const repository = makeRepository();
  const commit = repository.commit(declared('seq 4000'));
  await startTestRunner(pool);
  const { id } = await submitOne(pool, { name: 'ci.build', payload: payloadOf(repository.url, commit) });
  expect(await finished(pool, id)).toMatchObject({ result: { lines: 4_000, truncated: false } });
  const told = (await logOf(pool, id)).map(({ message }) => message);
  const stored = told.filter((message) => !OWN_LINE.test(message));
  expect(stored).toEqual(Array.from({ length: 4_000 }, (_, index) => String(index + 1)));
});
