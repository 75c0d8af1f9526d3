import { afterAll, describe, expect, test } from 'vitest';
import { benchOptions } from '../../../bench/options.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { parseScript } from '../../../tasks/ci/script.ts';
import { definitions } from '../../../tasks/index.ts';
import { startApi } from '../../support/api.ts';
import { blocksOf, ROOT } from '../../support/checkout/documents.ts';
import { createDatabase } from '../../support/database.ts';
import { openSocket } from '../../support/network/web_socket.ts';
import { startFileRunner } from '../../support/runner.ts';
import { shellFor } from './guide_shell.ts';

// The commands of the guides, word for word, on one API and one runner for all of them.

const { pool } = await createDatabase();
const api = await startApi(pool);
const shell = shellFor(api.url, ROOT);
await registerDefinitions(pool, definitions);
const runner = await startFileRunner(pool);
afterAll(() => runner.stop());

/** The commands of a block, one per line. */
const lines = (block = ''): string[] => block.trim().split('\n');

describe('getting-started.md', () => {
  const [retried = ''] = blocksOf(
    'docs/guides/getting-started.md',
    'The tasks that come with Errand',
    'sh',
    1,
  );

  test('the task that fails twice succeeds in its third attempt', async () => {
    expect(await shell.json(retried)).toMatchObject({ task: { state: 'succeeded', attempt: 3 } });
  });
});

describe('submitting.md', () => {
  const [one = ''] = blocksOf('docs/guides/submitting.md', 'One task', 'sh', 1);
  const [urgent = ''] = blocksOf('docs/guides/submitting.md', 'A task that must start in time', 'sh', 1);
  const [quick = ''] = blocksOf('docs/guides/submitting.md', 'A time limit for one task', 'sh', 1);
  const [many = ''] = blocksOf('docs/guides/submitting.md', 'Many tasks', 'sh', 1);
  const [burst = ''] = blocksOf('docs/guides/submitting.md', 'Bursts of submissions', 'sh', 1);

  test('a task for later is scheduled', async () => {
    expect(await shell.json(one)).toMatchObject({
      created: true,
      task: { state: 'scheduled', priority: -5, tags: ['import'] },
    });
  });

  test('a task that must start in time says by when', async () => {
    expect(await shell.json(urgent)).toMatchObject({
      created: true,
      task: { payload: { text: 'Look now' }, expires_at: expect.any(String) },
    });
  });

  test('a task has the time limit of its submission', async () => {
    expect(await shell.json(quick)).toMatchObject({
      created: true,
      task: { payload: { text: 'Be quick' }, timeout_seconds: 30 },
    });
  });

  test('each item of a batch becomes a task', async () => {
    const answer = await shell.json(many);
    expect(answer).toMatchObject({ invalid: 0, items: [{ created: true }, { created: true }] });
  });

  test('the second submission of a burst replaces the payload of the first', async () => {
    const [first = '', second = ''] = burst.trim().split('\n');
    const made = await shell.json(first);
    expect(made).toMatchObject({ outcome: 'created', task: { state: 'scheduled' } });
    expect(await shell.json(second)).toMatchObject({
      outcome: 'debounced',
      task: { payload: { text: 'Some years ago, never mind' }, debounced: 1 },
    });
  });
});

describe('workers-in-any-language.md', () => {
  const [request = ''] = blocksOf('docs/guides/workers-in-any-language.md', '', 'sh', 1);

  test('the request for another service is a valid task', async () => {
    // The service does not exist, so nothing may call it.
    expect(await api.call('PUT', '/v1/queues/http.request/pause')).toMatchObject({ status: 200 });
    expect(await shell.json(request)).toMatchObject({
      created: true,
      task: { name: 'http.request', state: 'queued', payload: { json: { image: 'cat.png', width: 640 } } },
    });
  });
});

describe('streams.md', () => {
  const [follow = ''] = blocksOf('docs/guides/streams.md', 'From a terminal', 'sh', 1);
  const [subscribe = '', change = ''] = blocksOf(
    'docs/guides/streams.md',
    'Many tasks, by WebSocket',
    'json',
    2,
  );

  test('the commands follow a task to its end', async () => {
    const [submit = '', events = '', logs = ''] = lines(follow);
    const heard = await shell.run(`${submit}\n${events}`);
    expect(heard).toMatch(/^event: state\ndata: .*"name":"example.sleep"/m);
    expect(heard).toMatch(/event: end\ndata: \{"state":"succeeded"\}\n\n$/);
    expect(await shell.run(`${submit}\n${logs}`)).toMatch(/event: end\ndata: \{"state":"succeeded"\}\n\n$/);
  });

  test('a WebSocket that subscribes gets messages of the shape that is shown', async () => {
    const client = await openSocket(api.url);
    expect(await client.ask(JSON.parse(subscribe))).toMatchObject({ type: 'subscribed' });
    await api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'a change' } });
    const [heard] = await client.changes(1);
    const shown = JSON.parse(change);
    expect(Object.keys(heard).sort()).toEqual(Object.keys(shown).sort());
    expect(heard).toMatchObject({ type: shown.type, name: shown.name });
  });
});

describe('operating.md', () => {
  const [reads = ''] = blocksOf('docs/guides/operating.md', 'Find tasks', 'sh', 1);
  const [retry = ''] = blocksOf('docs/guides/operating.md', 'Retry and cancel', 'sh', 1);
  const [bulk = ''] = blocksOf('docs/guides/operating.md', 'Retry and cancel many tasks', 'sh', 1);
  const [pauses = ''] = blocksOf('docs/guides/operating.md', 'Pause and resume', 'sh', 1);
  const [limits = ''] = blocksOf('docs/guides/operating.md', 'Change and pause limits', 'sh', 1);
  const [needs = ''] = blocksOf('docs/guides/operating.md', 'What needs somebody', 'sh', 1);
  const [search = ''] = blocksOf(
    'docs/guides/operating.md',
    'Find tasks by their payloads, and export them',
    'sh',
    1,
  );
  const [correct = ''] = blocksOf('docs/guides/operating.md', 'Dismiss or correct a failed task', 'sh', 1);
  const [decide = ''] = blocksOf('docs/guides/operating.md', 'Resolve or ignore errors', 'sh', 1);
  const [quarantined = ''] = blocksOf('docs/guides/operating.md', 'Tasks that kill their runners', 'sh', 1);

  test('the limits that somebody waits for are listed', async () => {
    expect(await shell.json(limits)).toMatchObject({ limits: expect.any(Array) });
  });

  test('a failed task is retried, alone and with others', async () => {
    const [submit = '', explain = '', again = '', wait = ''] = lines(retry);
    const id = (await shell.run(`${submit}\necho $ID`)).trim();
    const withId = (command: string): string => `ID=${id}\n${command}`;
    expect(await shell.json(withId(explain))).toMatchObject({ reasons: [{ code: 'failed_permanently' }] });
    expect(await shell.json(withId(again))).toMatchObject({ task: { id, state: 'queued' } });
    expect(await shell.json(withId(wait))).toMatchObject({ state: 'succeeded', attempt: 2 });

    await shell.run(submit);
    const [count = '', change = ''] = lines(bulk);
    expect(await shell.json(count)).toMatchObject({ dry_run: true, matched: 1 });
    expect(await shell.json(change)).toMatchObject({ matched: 1, changed: 1 });
  });

  test('the reads answer', async () => {
    const [tasks = '', errors = '', stats = ''] = lines(reads);
    expect(await shell.json(tasks)).toHaveProperty('tasks');
    expect(await shell.json(errors)).toHaveProperty('groups');
    expect(await shell.json(stats)).toHaveProperty('total');
    expect(await shell.json(quarantined)).toMatchObject({ tasks: [] });
  });

  test('tasks are found by their payloads, exported, and shown to who is needed', async () => {
    const [byPayload = '', csv = ''] = lines(search);
    expect(await shell.json(byPayload)).toMatchObject({
      rows: expect.arrayContaining([expect.objectContaining({ 'payload/times': 1 })]),
      search: { is_bounded: false },
    });
    expect(await shell.run(csv)).toMatch(/^id,name,error\/message,payload\/times\r?\n/);
    expect(await shell.json(needs)).toHaveProperty('errors.open');
  });

  test('a failed task is corrected or dismissed, and its errors are resolved', async () => {
    const [submit = '', resubmit = '', dismiss = ''] = lines(correct);
    const [group = '', resolve = '', reopen = ''] = lines(decide);
    const fail = async (): Promise<string> => `ID=${(await shell.run(`${submit}\necho $ID`)).trim()}`;
    const corrected = await fail();
    expect(await shell.json(`${corrected}\n${resubmit}`)).toMatchObject({
      created: true,
      task: { payload: { times: 0 }, resubmission_of: corrected.slice(3) },
    });
    const dismissed = await fail();
    expect(await shell.json(`${group}\n${resolve}`)).toMatchObject({ status: 'resolved', changed: true });
    expect(await shell.json(`${group}\n${reopen}`)).toMatchObject({ status: 'open', changed: true });
    expect(await shell.json(`${dismissed}\n${dismiss}`)).toMatchObject({ task: { state: 'failed' } });
  });

  test('a queue is paused and resumed', async () => {
    const [pause = '', queues = '', resume = ''] = lines(pauses);
    expect(await shell.json(pause)).toMatchObject({
      queue: 'text.count_words',
      pause: { reason: 'stock-taking' },
    });
    expect(await shell.run(queues)).toContain('stock-taking');
    await shell.run(resume);
    expect(await shell.run(queues)).not.toContain('stock-taking');
  });
});

describe('monitoring.md', () => {
  const [probes = ''] = blocksOf('docs/guides/monitoring.md', 'Probes', 'sh', 1);

  test('the probes answer', async () => {
    const [ready = '', details = '', metrics = ''] = lines(probes);
    expect(await shell.json(ready)).toMatchObject({ status: 'ready' });
    expect(await shell.json(details)).toMatchObject({ state: 'normal' });
    expect(await shell.run(metrics)).toMatch(/^errand_/m);
  });
});

test('the script that builds.md shows is one that ci.build accepts', async () => {
  const [script = ''] = blocksOf('docs/guides/builds.md', 'The script', 'yaml', 1);
  expect(await parseScript(script)).toMatchObject({ timeout_secs: 900, env: { NODE_ENV: 'test' } });
});

test('the quick benchmark of performance.md has options that exist', () => {
  const [command = ''] = blocksOf('docs/performance.md', 'Measure it', 'sh', 1);
  const [, options = ''] = /^npm run bench -- (.+)$/.exec(lines(command).at(-1) ?? '') ?? [];
  expect(benchOptions(options.split(' '))).toMatchObject({ isQuick: true });
});
