import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blocksOf, ROOT } from '../../support/checkout/documents.ts';
import { startFileRunner } from '../../support/runner.ts';
import { startPool } from './errand.ts';

const { pool, api, errand, json } = await startPool();
const runner = await startFileRunner(pool, { shutdownTimeoutSecs: 0 });
afterAll(() => runner.stop());

const UNKNOWN = '01a1fda3-8ecb-7e32-bbab-5d3baba36f01';

/** Submits tasks with this tag and waits until they have ended. */
async function submitEnded(name: string, tag: string, payloads: object[]): Promise<string[]> {
  const items = payloads.map((payload) => ({ payload, tags: [tag], dedup: 'none' }));
  const { body } = await api.call('POST', `/v1/tasks/${name}/batch`, { items });
  const ids = (body.items as { id: string }[]).map(({ id }) => id);
  for (const id of ids) await api.call('GET', `/v1/tasks/${id}?wait=20`);
  return ids;
}

const failing = { times: 9, permanent: true, message: 'no luck' };

beforeAll(async () => {
  await submitEnded('example.fail', 'once', [failing, failing]);
  await submitEnded('example.echo', 'done', [{ message: 'x' }]);
});

describe('errand retry and errand cancel', () => {
  test('by ids: each has its outcome, and one that cannot be changed fails the command', async () => {
    const [id = ''] = await submitEnded('example.fail', 'ids', [failing]);
    const retried = await errand(['retry', id, '--reason', 'the target is back']);
    expect(retried).toMatchObject({ code: 0, stderr: '' });
    expect(retried.stdout).toMatch(new RegExp(`^${id} {2}queued {2}The task is queued again`));
    const { body } = await api.call('GET', `/v1/audit?task_id=${id}`);
    expect(body.entries).toMatchObject([{ action: 'retry', reason: 'the target is back' }]);
    await api.call('GET', `/v1/tasks/${id}?wait=20`);
    const cancelled = await errand(['cancel', id, UNKNOWN]);
    expect(cancelled).toMatchObject({ code: 1, stdout: '' });
    expect(cancelled.stderr).toMatch(new RegExp(`^${id} {2}Task cannot be cancelled: it has failed`, 'm'));
    expect(cancelled.stderr).toMatch(new RegExp(`^${UNKNOWN} {2}There is no task`, 'm'));
    const document = await json(['retry', id, UNKNOWN]);
    expect(document).toMatchObject({
      tasks: [
        { id, state: 'queued' },
        { id: UNKNOWN, code: 'NOT_FOUND' },
      ],
    });
  });

  test('by filters: it counts, asks for --yes where nobody can answer, and changes all', async () => {
    await submitEnded('example.fail', 'some', [failing, failing, failing]);
    expect(await errand('retry --tag some --dry-run')).toEqual({
      code: 0,
      stdout: 'Matches 3 tasks.\n',
      stderr: '',
    });
    expect(await json('retry --tag some --dry-run')).toMatchObject({ dry_run: true, matched: 3, changed: 0 });
    const refused = await errand('retry --tag some --limit 2');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(
      'Retry 3 tasks, of which the oldest 2? Add --yes to do it, or --dry-run',
    );
    expect(await errand('retry --tag some --yes')).toEqual({
      code: 0,
      stdout: '3 tasks queued again.\n',
      stderr: '',
    });
    expect(await errand('retry --tag nothing --yes')).toMatchObject({
      code: 0,
      stdout: 'Matches 0 tasks.\n',
    });
  });

  test('a large operation is a task that is followed to its end', async () => {
    await submitEnded('example.fail', 'many', [failing, failing, failing]);
    const followed = await errand('retry --tag many --per-second 100 --yes');
    expect(followed).toMatchObject({ code: 0, stdout: '3 tasks queued again.\n' });
    expect(followed.stderr).toMatch(
      /^The task [0-9a-f-]{36} does it\. Ctrl-C leaves it alone; errand cancel /,
    );
    const document = await json(
      'cancel --tag nothing --tag many --state queued --per-second 100 --yes --no-follow',
    );
    expect(document).toMatchObject({ action: 'cancel' });
    await submitEnded('example.fail', 'canary', [failing, failing]);
    const stopped = await errand('retry --tag canary --canary 1 --yes');
    expect(stopped).toMatchObject({ code: 1, stdout: '' });
    expect(stopped.stderr).toMatch(/^The bulk task [0-9a-f-]{36} failed: .*1 of 1 failed again as before/m);
  });

  test('wrong usage changes nothing', async () => {
    const wrong = [
      ['retry', 'Give the ids of the tasks to retry, or filters such as --name, or --all'],
      [`cancel ${UNKNOWN} --tag a`, 'Give ids or filters, not both'],
      [`cancel ${UNKNOWN} --dry-run`, '--dry-run needs filters'],
      ['cancel --all --tag a', '--all stands for every task: leave out the filters'],
      ['cancel --state lost', 'It must be some of scheduled'],
    ] as const;
    const ended = await Promise.all(wrong.map(([words]) => errand(words)));
    expect(ended).toEqual(
      wrong.map(([, message]) => ({ code: 2, stdout: '', stderr: expect.stringContaining(message) })),
    );
    const impossible = await errand('retry --state running --yes');
    expect(impossible).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('/filter/state: must be one of'),
    });
  });
});

test('errand pause and errand resume', async () => {
  expect(await errand('pause --list')).toEqual({ code: 0, stdout: '', stderr: 'Nothing is paused.\n' });
  const paused = await errand(['pause', 'text', '--reason', 'the bank is down']);
  expect(paused).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Paused: running tasks of text continue/),
  });
  const { stdout } = await errand('pause --list');
  expect(stdout).toMatch(/^QUEUE +FOR +BY +REASON\ntext +\d+s +anonymous +the bank is down\n$/);
  expect(await json('pause --list')).toMatchObject({
    pauses: [{ target: 'text', reason: 'the bank is down' }],
  });
  expect(await json('resume text')).toMatchObject({ queue: 'text', paused: false, changed: true });
  expect(await errand('resume text')).toMatchObject({ code: 0, stdout: 'text was not paused\n' });
  const unknown = await errand('pause example.ecco');
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('did you mean example.echo')]);
  expect(await errand('pause')).toMatchObject({ code: 2, stderr: expect.stringContaining('--list') });
});

test('errand errors', async () => {
  const { stdout, stderr } = await errand('errors --name example.fail');
  expect(stdout).toMatch(
    /^TASKS +LAST +FIRST +NAME +ERROR +GROUP\n +\d+ +\d+s +\d+s +example\.fail +PermanentError: no luck +example\.fail:\w+\n$/,
  );
  expect(stderr).toContain('errand retry --error-group GROUP');
  const { groups } = await json<{ groups: { error_group: string; count: number }[] }>(
    'errors --name example.fail',
  );
  const [group] = groups;
  expect(await errand(['retry', '--error-group', group?.error_group ?? '', '--dry-run'])).toMatchObject({
    stdout: `Matches ${group?.count} tasks.\n`,
  });
  expect(await errand('errors --namespace text')).toMatchObject({
    code: 0,
    stderr: 'No task is in the state failed.\n',
  });
});

test('errand runners', async () => {
  const { stdout } = await errand('runners');
  expect(stdout).toMatch(
    /^RUNNER +STATE +BUSY +UP +BEAT +HOST +PID +VERSION +SERVES +NAMES\n +1 +live +\d+\/10 /,
  );
  const { body } = await api.call('GET', '/v1/runners');
  expect(await json('runners --ended')).toMatchObject({
    runners: [{ id: body.runners[0].id, pid: process.pid }],
  });
});

test('errand stats', async () => {
  const { stdout } = await errand('stats --window 2h');
  expect(stdout).toMatch(/^Open: scheduled 0 {2}waiting 0 .*\nSince .*: succeeded \d+ {2}failed \d+ /);
  expect(stdout).toMatch(
    /^NAME +QUEUED +RUNNING +RETRYING +LATER +DONE +FAILED +OK +TRIES +p50 +p95 +WAIT p95$/m,
  );
  expect(stdout).toMatch(/^example\.echo +0 +0 +0 +0 +1 +0 +100% +1 /m);
  expect(stdout.trim().split('\n').at(-1)).toMatch(/^all /);
  const { body } = await api.call('GET', '/v1/tasks/stats?window_minutes=120&name=example.echo');
  expect(await json('stats --window 2h --name example.echo')).toEqual({ ...body, to: expect.any(String) });
  expect((await errand('stats --window 8d')).stderr).toContain(
    '/window_minutes: must be <= 10080, got 11520',
  );
});

test('errand audit', async () => {
  await errand(['pause', 'text', '--reason', 'audited']);
  await errand('resume text');
  const { stdout } = await errand('audit --namespace text --limit 2');
  expect(stdout).toMatch(
    /^AT +ACTOR +ACTION +TARGET +REASON +TASK\n.*anonymous +resume +text\n.*anonymous +pause +text +audited\n$/,
  );
  const document = await json<{ entries: unknown[] }>('audit --action pause --from 1h');
  const { body } = await api.call('GET', '/v1/audit?action=pause');
  expect(document).toEqual({ entries: body.entries, has_more: false });
  expect(await errand('audit --actor nobody')).toMatchObject({ code: 0, stderr: 'No action matches.\n' });
  expect(await json('audit --limit 1')).toMatchObject({ has_more: true, entries: { length: 1 } });
});

test('errand top without a terminal', async () => {
  const { code, stdout } = await errand('top --once --window 2h');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^errand top {2}http.*\nthroughput [\d.]+\/s in 2 h.* success [\d.]+% .*\nscheduled 0 /,
  );
  expect(stdout).toMatch(/^example\.fail +0 /m);
  expect(stdout).toMatch(/^RUNNER +STATE +BUSY/m);
  expect(await json('top --once')).toMatchObject({ stats: { names: {} }, runners: [{ concurrency: 10 }] });
  expect(await errand('top')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('use --once or --json'),
  });
  expect(await errand('top --every 10ms')).toMatchObject({ code: 2 });
});

test('the commands of the guide work as they stand there', async () => {
  const [commands = ''] = blocksOf('docs/guides/command-line.md', 'A first look', 'sh', 1);
  const command = `errand() { '${process.execPath}' '${join(ROOT, 'bin', 'errand.js')}' "$@"; }`;
  const env = { PATH: process.env.PATH ?? '', ERRAND_URL: api.url, TZ: 'UTC' };
  const { stdout } = await promisify(execFile)('bash', ['-ec', `${command}\n${commands}`], { env });
  for (const shown of ['"hello"', 'example.echo', 'Open: scheduled', 'RUNNER', 'errand top'])
    expect(stdout).toContain(shown);
});
