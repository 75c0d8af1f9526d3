import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadHandlers } from '../../../runner/builtin/registered_handlers.ts';
import { echo } from '../../../tasks/example/example.echo.task.ts';
import { loadHandler } from '../../../tasks/handlers.ts';
import { definitions } from '../../../tasks/index.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { registeredHandler, startFileRunner } from '../../support/runner.ts';
import { until } from '../../support/until.ts';
import { type Ended, jsonLines, start, startPool } from './errand.ts';

const { pool, api, errand, json } = await startPool();
/** Its lines try to act on the terminal of those who read them. */
const loud = registeredHandler(echo, ({ message }, context) => {
  context.log.info({ customer: 'a b', at: '\u001B[2J' }, 'first\nsecond');
  context.log.warn('\u001B]0;owned\u0007careful\u009B31m');
  return { messages: [message] };
});
const runner = await startFileRunner(pool, {
  shutdownTimeoutSecs: 0,
  registeredHandlers: new Map([
    ...(await loadHandlers(pool, definitions, ({ name }) => loadHandler(name))),
    loud,
  ]),
});
afterAll(() => runner.stop());
const folder = scratchFolder(0o755);
afterAll(() => removeScratch(folder));

const UNKNOWN = '01a1fda3-8ecb-7e32-bbab-5d3baba36f01';
const ID = /^[0-9a-f-]{36}$/;
const ESCAPES = /(?!\n)\p{Cc}/u;

/** A task that has failed for good with a message that tries to act on a terminal. */
let failed: string;
/** A task that has succeeded and logged. */
let logged: string;
const BATCH = Array.from({ length: 2_500 }, (_, index) => JSON.stringify({ ms: index }));
/** How the submission of a file of these payloads ended. */
let batch: Ended;

beforeAll(async () => {
  const payload = JSON.stringify({ times: 1, permanent: true, message: 'no\u001B[2J luck' });
  const ended = await errand([
    'submit',
    'example.fail',
    payload,
    '--wait',
    '--json',
    '--tag',
    'a,b',
    '--reason',
    'why',
  ]);
  expect(ended.code).toBe(1);
  failed = (JSON.parse(ended.stdout) as { id: string }).id;
  const done = await errand(['submit', 'example.echo', '{"message":"logged"}', '--wait', '--quiet']);
  expect(done.code).toBe(0);
  logged = done.stdout.trim();
  writeFileSync(join(folder, 'batch.ndjson'), `${BATCH.join('\n')}\n\n`);
  batch = await errand('submit example.sleep --batch batch.ndjson --delay 1d --tag batch --json', { folder });
});

describe('errand submit', () => {
  test('it prints the task, and the same submission is the same task', async () => {
    const first = await errand([
      'submit',
      'example.sleep',
      '{"ms":1}',
      '--dedup-key',
      'k',
      '--delay',
      '1h',
      '--priority',
      '-5',
    ]);
    expect(first).toMatchObject({ code: 0, stderr: 'Task created: it is scheduled\n' });
    const [id = '', ...words] = first.stdout.trim().split(/\s+/);
    expect([ID.test(id), words]).toEqual([true, ['example.sleep', 'scheduled']]);
    const again = await json(['submit', 'example.sleep', '-p', '{"ms":1}', '--dedup-key', 'k']);
    expect(again).toMatchObject({ id, created: false, priority: -5, dedup_key: 'k', max_attempts: 26 });
  });

  test('with --wait it prints the result alone', async () => {
    const ended = await errand(['submit', 'example.echo', '-', '--wait'], {
      input: '{"message":"from stdin"}',
    });
    expect(JSON.parse(ended.stdout)).toEqual({ messages: ['from stdin'] });
    expect([ended.code, ended.stderr]).toEqual([
      0,
      expect.stringMatching(/example\.echo {2}succeeded in \d/),
    ]);
  });

  test('a payload can be in a file, and the task can fail or take too long', async () => {
    writeFileSync(join(folder, 'payload.json'), '{"times":1,"permanent":true,"message":"no luck"}');
    const ended = await errand('submit example.fail @payload.json --wait', { folder });
    expect([ended.code, ended.stdout]).toEqual([1, '']);
    expect(ended.stderr).toMatch(
      /failed in .*\nPermanentError: no luck\nSee errand get [0-9a-f-]{36} and errand logs /,
    );
    const slow = await errand(['submit', 'example.sleep', '{"ms":600000}', '--wait', '100ms', '--json']);
    expect(slow).toMatchObject({ code: 5, stderr: expect.stringContaining('had not ended after 100 ms') });
    const { id } = JSON.parse(slow.stdout) as { id: string };
    expect((await errand(['cancel', id])).code).toBe(0);
    expect(slow.stderr).toContain(`The task goes on: errand logs -f ${id}`);
  });

  test('an invalid payload lists each problem with its place, an unknown name has close ones', async () => {
    const invalid = await errand(['submit', 'example.echo', '{"mesage":"x","count":0}']);
    expect(invalid).toMatchObject({ code: 1, stdout: '' });
    expect(invalid.stderr).toMatch(
      /^error: The submission of example\.echo is not valid \(request [0-9a-f-]{36}\)\n/,
    );
    for (const path of ['message: is required', 'count: ', 'mesage: is not a known property'])
      expect(invalid.stderr).toContain(`\n  /payload/${path}`);
    const unknown = await errand('submit example.ecco {}');
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('did you mean example.echo')]);
  });

  test('wrong usage names the value, and submits nothing', async () => {
    const wrong: [words: string[], message: string][] = [
      [['{"mes'], 'The payload is not JSON'],
      [['@nowhere.json'], 'The file "nowhere.json" cannot be read: ENOENT'],
      [['1e999'], 'a number that is too large'],
      [['{}', '-p', '{}'], 'The payload is given twice'],
      [['--dedup', 'key'], '--dedup must be payload or none, got "key"'],
      [['--batch', 'x', '--wait'], '--wait cannot be combined with --batch'],
      [['--delay', 'soon'], "option '--delay <time>' argument 'soon' is invalid. It must be seconds"],
    ];
    const ended = await Promise.all(
      wrong.map(([words]) => errand(['submit', 'example.now', ...words], { folder })),
    );
    expect(ended).toEqual(
      wrong.map(([, message]) => ({ code: 2, stdout: '', stderr: expect.stringContaining(message) })),
    );
    expect(await errand('list --name example.now -q')).toMatchObject({ stdout: '' });
  });
});

describe('errand submit --batch', () => {
  test('each line of a file becomes a task', async () => {
    expect(batch).toMatchObject({ code: 0, stderr: '2,500 tasks created, 0 already known, 0 not valid\n' });
    expect(jsonLines(batch.stdout).map(({ item }) => item)).toEqual(BATCH.map((_line, index) => index + 1));
    const { rows } = await pool.query(`select 1 from errand.tasks where tags @> '{batch}'`);
    expect(rows).toHaveLength(BATCH.length);
  });

  test('a line that is not JSON submits nothing; an item that is not valid fails alone', async () => {
    // More than are sent at a time.
    const lines = Array.from({ length: 4_500 }, (_, index) => JSON.stringify({ ms: 100_000 + index }));
    writeFileSync(join(folder, 'broken.ndjson'), `${lines.join('\n')}\n{oops\n`);
    const broken = await errand('submit example.sleep --batch broken.ndjson --delay 1d --tag broken', {
      folder,
    });
    expect([broken.code, broken.stderr]).toEqual([
      2,
      expect.stringContaining('Line 4501 of broken.ndjson is not JSON'),
    ]);
    const input = '{"ms":1}\n{"ms":"x"}\n';
    const partly = await errand('submit example.sleep --batch - --delay 1d --tag broken', { input });
    expect(partly).toMatchObject({ code: 1, stdout: '' });
    expect(partly.stderr).toBe(
      'item 2: /payload/ms must be number, got "x"\n1 task created, 0 already known, 1 not valid\n',
    );
    const { rows } = await pool.query(`select 1 from errand.tasks where tags @> '{broken}'`);
    expect(rows).toHaveLength(1);
  });
});

describe('errand get', () => {
  test('it prints what the API answers', async () => {
    const payload = { url: 'https://example.com/', headers: { 'X-CamelCase': 'aB' } };
    const later = { payload, delay_seconds: 86_400 };
    const { body: submitted } = await api.call('POST', '/v1/tasks/http.request', later);
    for (const id of [failed, submitted.task.id]) {
      const { body } = await api.call('GET', `/v1/tasks/${id}`);
      expect(await json(['get', id])).toEqual(body);
    }
  });

  test('for people it has the state, the error, the attempts, and nothing that acts on a terminal', async () => {
    const { code, stdout } = await errand(['get', failed]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^State +failed, attempt 1 of 25$/m);
    expect(stdout).toMatch(/^Tags +a, b$/m);
    expect(stdout).toMatch(/^Reason +why$/m);
    expect(stdout).toContain('PermanentError (AS_ASKED), permanent: no luck\n      at ');
    expect(stdout).toMatch(/^1 {2}failed +\d{4}-\d\d-\d\d .* ago\)/m);
    expect(stdout).not.toMatch(ESCAPES);
  });

  test('a workflow has its steps', async () => {
    const submitted = await errand(['submit', 'example.linear', exampleOf('example.linear'), '--wait', '-q']);
    const { stdout } = await errand(['get', submitted.stdout.trim()]);
    expect(stdout).toMatch(/^Steps\nSTEP +STATE +TRY +TOOK +AFTER +ID +ERROR$/m);
  });

  test('a task that does not exist, and what is no id', async () => {
    const missing = await errand(['get', UNKNOWN]);
    expect(missing).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`There is no task ${UNKNOWN}`),
    });
    const wrong = await errand('get nope');
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringContaining('/id: must match format "uuid", got "nope"'),
    ]);
  });
});

describe('errand list', () => {
  test('it lists what matches, for people and for programs', async () => {
    const { stdout, stderr } = await errand('list --state failed --tag a --error luck');
    expect(stdout).toMatch(/^ID +NAME +STATE +TRY +AGE +TOOK +NOTE +TAGS\n/);
    expect(stdout.split('\n')[1]).toMatch(
      new RegExp(`^${failed} {2}example.fail {2}failed +1/25 +\\d+s +0s {2}no luck +a,b$`),
    );
    expect([stdout.trim().split('\n').length, stderr]).toEqual([2, '']);
    const document = await json<{ tasks: { id: string }[]; has_more: boolean }>(
      'list --tag a --created-from 1h',
    );
    expect(document).toMatchObject({ tasks: [{ id: failed, max_attempts: 25 }], has_more: false });
  });

  test('more than the limit is counted, and --all has all, one per line', async () => {
    const few = await errand('list --tag batch --limit 3');
    expect([few.stdout.trim().split('\n').length, few.stderr]).toEqual([
      4,
      '3 of 2,500. See --limit and --all.\n',
    ]);
    expect(await json('list --tag batch --limit 150')).toMatchObject({
      has_more: true,
      tasks: { length: 150 },
    });
    const all = await errand('list --tag batch --all --json');
    expect(new Set(jsonLines(all.stdout).map(({ id }) => id)).size).toBe(2_500);
    const ids = await errand('list --tag batch -q -n 2');
    expect(
      ids.stdout
        .trim()
        .split('\n')
        .map((line) => ID.test(line)),
    ).toEqual([true, true]);
  });

  test('nothing is a remark, and no error', async () => {
    expect(await errand('list --tag nobody')).toEqual({ code: 0, stdout: '', stderr: 'No task matches.\n' });
    const refused = await errand('list --parent nope');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('/parent_id: must match format "uuid"'),
    ]);
  });

  test('a closed pipe is a quiet end', async () => {
    const { child, ended } = start(['list', '--tag', 'batch', '--all', '--json'], {
      environment: { ERRAND_URL: api.url },
      input: '',
    });
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('errand logs', () => {
  test('the lines of a task cannot act on a terminal', async () => {
    const { code, stdout } = await errand(['logs', logged]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}first\n {19}second {2}at= customer="a b"$/m);
    expect(stdout).toMatch(/ warn {2}careful$/m);
    expect(stdout).not.toMatch(ESCAPES);
    expect((await errand(['logs', logged, '--level', 'warn'])).stdout.trim().split('\n')).toHaveLength(1);
  });

  test('--json has them exactly, one per line', async () => {
    const lines = jsonLines((await errand(['logs', logged, '--json', '--after', '1'])).stdout);
    expect(lines).toMatchObject([
      { seq: 2, level: 'warn', message: '\u001B]0;owned\u0007careful\u009B31m', attempt: 1 },
    ]);
  });

  test('it follows until the end, and can end as the task ends', async () => {
    const { stdout: id } = await errand(['submit', 'example.fail', '{"times":2}', '-q']);
    const followed = await errand(['logs', '-f', id.trim()]);
    expect(followed).toMatchObject({ code: 0, stderr: expect.stringContaining('The task is succeeded') });
    const ended = await errand(['logs', '--exit-code', failed]);
    expect(ended).toMatchObject({ code: 1, stderr: 'No lines.\nThe task is failed: no luck\n' });
    expect((await errand(['logs', '--exit-code', logged, '--json'])).code).toBe(0);
  });

  test('unknown tasks and levels', async () => {
    expect((await errand(['logs', '-f', UNKNOWN])).code).toBe(1);
    expect(await errand(['logs', logged, '--level', 'loud'])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('errand events', () => {
  test('it prints each change until the end', async () => {
    const { stdout: id } = await errand(['submit', 'example.fail', '{"times":2}', '-q']);
    const events = jsonLines((await errand(['events', id.trim(), '--json'])).stdout);
    expect(events.at(-1)).toMatchObject({ state: 'succeeded', max_attempts: 25 });
    const { stdout } = await errand(['events', failed]);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} failed {4}attempt 1\/25 {2}no luck\n$/);
    expect((await errand(['events', UNKNOWN])).code).toBe(1);
  });
});

describe('errand explain', () => {
  test('it says what to do, in commands', async () => {
    const { stdout } = await errand(['explain', failed]);
    expect(stdout).toMatch(/^example\.fail has failed: /);
    expect(stdout).toContain(`errand retry ${failed}`);
    expect(stdout).not.toMatch(ESCAPES);
    const { body } = await api.call('GET', `/v1/tasks/${failed}/explain`);
    expect(await json(['explain', failed])).toMatchObject({
      summary: body.summary,
      next_steps: body.next_steps,
    });
    expect((await errand(['explain', UNKNOWN])).code).toBe(1);
  });
});

test('Ctrl-C ends a command that follows a task at once, with 130', async () => {
  const { stdout: id } = await errand(['submit', 'example.sleep', '{"ms":600000}', '-q']);
  const { child, ended, stdout } = start(['events', id.trim()], { environment: { ERRAND_URL: api.url } });
  await until('it follows', () => stdout().includes('attempt 1/'));
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 130, stderr: '' });
  expect((await errand(['cancel', id.trim()])).code).toBe(0);
});

/** The example payload of a definition. */
function exampleOf(name: string): string {
  return JSON.stringify(definitions.find((definition) => definition.name === name)?.example);
}
