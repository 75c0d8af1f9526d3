import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { startPool } from './errand.ts';

// No runner is up, so no time is fired meanwhile.

const { api, pool, errand, json } = await startPool();

const ECHO = { task: 'example.echo', payload: { message: 'x' } };

async function put(id: string, more: object): Promise<void> {
  const { status, text } = await api.call('PUT', `/v1/schedules/${id}`, { ...ECHO, ...more });
  expect([status, text]).toEqual([201, text]);
}

afterEach(async () => {
  await pool.query('truncate errand.schedules, errand.schedule_runs, errand.tasks cascade');
});

describe('errand schedules set', () => {
  test('by options: what is given and nothing else is sent, so the rest has its defaults', async () => {
    const made = await errand([
      ...['schedules', 'set', 'example.poll', '--task', 'example.echo', '--payload', '{"message":"x"}'],
      ...[
        '--every',
        '15m',
        '--jitter',
        '30s',
        '--catch-up',
        'skip',
        '--overlap',
        'queue_one',
        '--tag',
        'a,b',
      ],
      ...['--reason', 'wanted'],
    ]);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/^example\.poll was made: it runs next at \d{4}-/);
    const { body } = await api.call('GET', '/v1/schedules/example.poll');
    expect(body.settings).toMatchObject({
      ...{ every_seconds: 900, jitter_seconds: 30, catch_up: 'skip', overlap: 'queue_one', tags: ['a', 'b'] },
      ...{ cron: null, priority: null, catch_up_max: 100 },
    });
    const { body: audit } = await api.call('GET', '/v1/audit?namespace=example');
    expect(audit.entries[0]).toMatchObject({ target: 'example.poll', reason: 'wanted' });
  });

  test('by a document: of a file, of standard input, or of another schedule', async () => {
    const folder = scratchFolder(0o755);
    writeFileSync(join(folder, 'poll.json'), JSON.stringify({ ...ECHO, every_seconds: 60 }));
    expect(await errand('schedules set example.file @poll.json', { folder })).toMatchObject({ code: 0 });
    const { settings } = await json('schedules get example.file');
    const input = JSON.stringify(settings);
    expect(await errand('schedules set example.copy -', { input })).toMatchObject({ code: 0 });
    expect(await json('schedules get example.copy')).toMatchObject({ settings });
  });

  test('a dry run changes nothing', async () => {
    const words = 'schedules set example.poll --task example.now --every 60 --dry-run';
    expect((await errand(words)).stdout).toContain('example.poll would be made');
    expect(await json('schedules list')).toEqual({ schedules: [], has_more: false });
  });

  test('every problem is shown, by the place in what was given', async () => {
    const ended = await errand([
      ...['schedules', 'set', 'example.poll', '--task', 'example.echo', '--cron', '60 * * * *'],
      ...['--timezone', 'Mars/Olympus'],
    ]);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('/cron: ');
    expect(ended.stderr).toContain('/timezone: must be the name of an IANA time zone');
    expect(ended.stderr).toContain('/payload/message: ');
  });

  test('wrong usage sends nothing', async () => {
    const wrong = [
      ['set example.a', 'Give the settings: a document (@file.json), or --task with --cron'],
      ['set example.a {} --every 5m', 'Give the settings as a document or as options, not both'],
      ['set example.a @none.json', 'The file "none.json" cannot be read'],
      ['set example.a {', 'The document of settings is not JSON'],
      ['set example.a --overlap both', 'Allowed choices are skip, queue_one, cancel_running, allow'],
      ['set example.a --every soon', 'It must be seconds, or a number with a unit'],
      ['list --state late', 'Allowed choices are active, paused, broken, ended'],
      ['backfill example.a', 'Give the first time to backfill: --from'],
      ['delete example.a', 'Delete the schedule example.a? Add --yes to do it'],
      ['late', "unknown command 'late'"],
    ] as const;
    const ended = await Promise.all(wrong.map(([words]) => errand(`schedules ${words}`)));
    expect(ended.map(({ code, stdout }) => [code, stdout])).toEqual(wrong.map(() => [2, '']));
    for (const [index, [, message]] of wrong.entries()) expect(ended[index]?.stderr).toContain(message);
  });
});

describe('reading schedules', () => {
  test('a list has the words and the trouble of each', async () => {
    await put('example.a_poll', { every_seconds: 300 });
    await put('example.b_daily', { cron: '0 9 * * *' });
    await api.call('PUT', '/v1/schedules/example.b_daily/pause?reason=stock-taking');
    const { stdout } = await errand('schedules list');
    expect(stdout).toMatch(/^ID +STATE +NEXT +LAST +WHEN +TASK +FROM +NOTE$/m);
    expect(stdout).toMatch(
      /^example\.a_poll +active +(\+\d+\w|0s) +- +every 5 minutes +example\.echo +api$/m,
    );
    expect(stdout).toMatch(/^example\.b_daily +paused .* at 09:00 in UTC .* by \S+: stock-taking$/m);
    expect((await errand('schedules list --state paused -q')).stdout).toBe('example.b_daily\n');
    expect(await json('schedules list --limit 1')).toMatchObject({ has_more: true });
    expect((await errand('schedules list --limit 1')).stderr).toBe('The first 1. See --limit.\n');
    expect((await errand('schedules list --state broken')).stderr).toBe('No schedule matches.\n');
  });

  test('one is shown with its next times in its zone, its last runs and why times were skipped', async () => {
    await put('example.daily', { cron: '0 9 * * *', timezone: 'Asia/Tokyo', description: 'the news' });
    await api.call('POST', '/v1/schedules/example.daily/trigger');
    await pool.query(`
      insert into errand.schedule_runs (schedule_id, scheduled_for, until, times, outcome, reason)
      values ('example.daily', now() - interval '3 days', now() - interval '1 day', 3, 'skipped', 'missed')`);
    const { stdout } = await errand('schedules get example.daily');
    for (const part of [
      /^When +every day at 09:00 in Asia\/Tokyo$/m,
      /^Description +the news$/m,
      /^Skipped +3 missed$/m,
      /^ {2}"message": "x"$|^ {4}"message": "x"$/m,
      /^\d{4}-\d\d-\d\dT09:00:00\+09:00 +\d{4}-\d\d-\d\dT00:00:00\.000Z +\d+\w$/m,
      /submitted \(trigger\) +[0-9a-f-]{36} +queued/,
      / +3 +skipped: missed +- +- /,
    ])
      expect(stdout).toMatch(part);
    expect(await errand('schedules get example.none')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no schedule example.none: see errand schedules list'),
    });
  });

  test('the history goes over pages, and is filtered', async () => {
    await put('example.poll', { every_seconds: 60 });
    await pool.query(`
      insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, reason)
      select 'example.poll', now() - interval '1 minute' * n, 'skipped', 'overlap' from generate_series(1, 130) n`);
    const all = await json<{ runs: unknown[]; has_more: boolean }>('schedules runs example.poll -n 200');
    expect([all.runs.length, all.has_more]).toEqual([130, false]);
    const some = await json<{ runs: unknown[]; has_more: boolean }>('schedules runs example.poll -n 110');
    expect([some.runs.length, some.has_more]).toEqual([110, true]);
    expect(some.runs).toEqual(all.runs.slice(0, 110));
    expect((await errand('schedules runs example.poll --reason missed')).stderr).toBe(
      'Nothing is recorded.\n',
    );
    expect((await errand('schedules runs example.poll --from 90s')).stdout.trim().split('\n')).toHaveLength(
      2,
    );
  });

  test('an explanation has commands as its remedies', async () => {
    await put('example.daily', { cron: '0 9 * * *' });
    await api.call('PUT', '/v1/schedules/example.daily/pause');
    const { stdout } = await errand('schedules explain example.daily');
    expect(stdout).toMatch(/^→ errand schedules resume example\.daily: /m);
    expect(stdout).toMatch(/^Status +paused$/m);
    expect(await json('schedules explain example.daily --at 2027-03-28T10:00')).toMatchObject({
      status: 'not_a_time',
    });
  });
});

describe('operating schedules', () => {
  test('pause and resume say what they do, and when it goes on', async () => {
    await put('example.poll', { every_seconds: 60 });
    const paused = await json('schedules pause example.poll --reason tired');
    expect(paused).toMatchObject({
      changed: true,
      schedule: { state: 'paused', paused: { reason: 'tired' } },
    });
    expect((await errand('schedules resume example.poll')).stdout).toContain('example.poll');
    expect(await json('schedules get example.poll')).toMatchObject({ state: 'active' });
  });

  test('a trigger submits one task, and with its key repeated the same one', async () => {
    await put('example.poll', { every_seconds: 60 });
    const words = 'schedules trigger example.poll --idempotency-key k --quiet';
    const { stdout } = await errand(words);
    expect(stdout).toMatch(/^[0-9a-f-]{36}\n$/);
    expect((await errand(words)).stdout).toBe(stdout);
    expect((await errand('schedules trigger example.poll --quiet')).stdout).not.toBe(stdout);
  });

  test('a backfill counts, and asks for --yes where nobody can answer', async () => {
    await put('example.hourly', { every_seconds: 3_600 });
    const refused = await errand('schedules backfill example.hourly --from 3h');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('3 of 3 times would be submitted. Submit them? Add --yes to do it');
    expect(await json('schedules backfill example.hourly --from 3h --yes')).toMatchObject({ submitted: 3 });
    // Nothing is left to ask about.
    expect(await json('schedules backfill example.hourly --from 3h')).toMatchObject({
      dry_run: false,
      submitted: 0,
    });
  });

  test('delete removes it, and its tasks stay', async () => {
    await put('example.poll', { every_seconds: 60 });
    const { stdout: id } = await errand('schedules trigger example.poll --quiet');
    expect(await errand('schedules delete example.poll --yes')).toMatchObject({ code: 0, stderr: '' });
    expect(await errand('schedules delete example.poll --yes')).toMatchObject({ code: 1 });
    expect(await json(`get ${id.trim()}`)).toMatchObject({ schedule_id: 'example.poll' });
  });
});
