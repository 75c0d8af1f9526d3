import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { CODE_NAMES } from '../../../core/schedules/schedule.ts';
import { settingsSchema } from '../../../core/schedules/settings.ts';
import { loadProject } from '../../../project/project.ts';
import { SCHEDULE_STATES } from '../../../store/schedules/read.ts';
import { blocksOf, documentText, ROOT, section, tableRows } from '../../support/checkout/documents.ts';
import { guideProject, SHOP } from '../../support/checkout/guide_project.ts';
import { removeScratch } from '../../support/checkout/scratch.ts';
import { whenDone } from '../../support/when_done.ts';
import { startPool } from '../cli/errand.ts';
import { shellFor } from './guide_shell.ts';

// The commands of the guide, word for word. No runner is up, so no time is fired meanwhile.

const [inCode = ''] = blocksOf('docs/guides/schedules.md', 'In code', 'ts', 1);
const [byHttp = '', byCommand = ''] = blocksOf('docs/guides/schedules.md', 'By the API', 'sh', 2);
const [when = ''] = blocksOf('docs/guides/schedules.md', 'When', 'sh', 1);
const [backfill = '', trigger = ''] = blocksOf('docs/guides/schedules.md', 'Missed times', 'sh', 2);
const [pause = ''] = blocksOf('docs/guides/schedules.md', 'Pause and resume', 'sh', 1);
const [why = ''] = blocksOf('docs/guides/schedules.md', 'Why did it not run?', 'sh', 1);

const { api, errand, pool } = await startPool();
const shell = shellFor(api.url, ROOT);
const lines = (block: string): string[] => block.trim().split('\n');

/** Runs a command of the guide, with the quotes of a shell, and gives what it printed. */
async function printed(line: string): Promise<string> {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
  const { code, stdout, stderr } = await errand(words.slice(1));
  expect([line, code, stderr.replace(/^Task created.*\n/, '')]).toEqual([line, 0, '']);
  return stdout;
}

const MORNING = {
  task: 'example.echo',
  payload: { message: 'Good morning' },
  cron: '30 7 * * MON-FRI',
  timezone: 'Europe/Berlin',
};
beforeAll(() => api.call('PUT', '/v1/schedules/example.morning', MORNING));

test('the schedule in code compiles, and is one of its project', async () => {
  const folder = guideProject({
    ...SHOP,
    'tasks/shop.morning.schedule.ts': inCode,
    'errand.config.ts': `export default { tasks: ['tasks'] };`,
  });
  whenDone(() => removeScratch(folder));
  const project = await loadProject({ NODE_ENV: 'production', directory: folder });
  expect(project.schedules.map(({ id, settings }) => [id, settings.task, settings.cron])).toEqual([
    ['shop.morning', 'shop.mail', '30 7 * * MON-FRI'],
  ]);
  const compiler = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--skipLibCheck'];
  const options = [...compiler, '--allowImportingTsExtensions', '--types', 'node'];
  const compile = (file: string) =>
    promisify(execFile)('tsc', [...options, `tasks/${file}`], {
      cwd: folder,
      env: { PATH: `${ROOT}/node_modules/.bin:${process.env.PATH}` },
    });
  await expect(compile('shop.morning.schedule.ts')).resolves.toMatchObject({ stdout: '' });
});

test('a schedule is made by the API, read and listed; the same settings again change nothing', async () => {
  const [put = '', get = '', list = ''] = lines(byHttp);
  await pool.query('delete from errand.schedules');
  expect(await shell.json(put)).toMatchObject({ created: true, changed: true });
  expect(await shell.json(put)).toMatchObject({ created: false, changed: false });
  expect(await shell.json(get)).toMatchObject({ id: 'example.morning', state: 'active' });
  expect(await shell.json(list)).toMatchObject({ schedules: [{ id: 'example.morning' }] });
});

test('the same by the command line', async () => {
  const [set = '', get = '', list = '', remove = ''] = lines(byCommand);
  expect(await printed(set)).toContain('example.morning has these settings already');
  expect(await printed(get)).toContain('on Monday to Friday at 07:30 in Europe/Berlin');
  expect(await printed(list)).toMatch(/^ID .*\nexample\.morning +active/);
  expect(await printed(remove)).toContain('example.morning');
  expect(await errand('schedules get example.morning')).toMatchObject({ code: 1 });
  await printed(set);
});

test('expressions are looked at before they are used', async () => {
  const [nightly = '', both = '', interval = ''] = lines(when);
  const night = JSON.parse(await printed(nightly));
  expect(night).toMatchObject({ in_words: 'every day at 02:30 in Europe/Berlin' });
  expect(night.next_times).toHaveLength(10);
  expect(JSON.parse(await printed(both)).in_words).toContain('if it is Monday');
  expect(await shell.json(interval)).toMatchObject({ in_words: 'every 15 minutes' });
});

test('the expressions in the table mean what it says', async () => {
  const table = tableRows(section(documentText('docs/guides/schedules.md'), 'When'));
  const expressions = table
    .filter(([, times = '']) => !times.includes('|') && table.length > 0)
    .flatMap(([cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, one]) => one))
    .filter((one) => one !== undefined && /^(@|\S+ \S+ \S+ \S+ \S+)/.test(one));
  expect(expressions.length).toBeGreaterThan(9);
  for (const cron of expressions)
    expect([cron, (await api.call('POST', '/v1/schedules/preview', { cron })).status]).toEqual([cron, 200]);
  expect((await api.call('POST', '/v1/schedules/preview', { cron: '@reboot' })).status).toBe(400);
});

test('the settings in the table are those of a schedule, on the wire and in code', () => {
  const rows = tableRows(section(documentText('docs/guides/schedules.md'), 'By the API'));
  const named = (column: number): string[] =>
    rows.flatMap((cells) => (cells[column] ?? '').replaceAll('`', '').split(', ')).sort();
  expect(named(0)).toEqual(Object.keys(settingsSchema.shape).sort());
  expect(named(1)).toEqual([...CODE_NAMES.values(), 'task'].sort());
});

test('the states in the table are those of schedules', () => {
  const rows = tableRows(section(documentText('docs/guides/schedules.md'), 'Why did it not run?'));
  expect(rows.map(([cell = '']) => cell.replaceAll('`', ''))).toEqual([...SCHEDULE_STATES]);
});

test('times of the past are counted and submitted, and a task by hand', async () => {
  const [count = '', submit = ''] = lines(backfill);
  expect(await printed(count)).toMatch(/^5 of 5 times would be submitted\n/);
  expect(await printed(submit)).toMatch(/^5 of 5 times were submitted\n/);
  expect(await printed(submit)).toMatch(/^0 of 5 times were submitted, 5 had run before\n/);
  expect(await printed(trigger.trim())).toMatch(/^[0-9a-f-]{36}\n$/);
});

test('it is paused and resumed', async () => {
  const [first = '', second = ''] = lines(pause);
  await printed(first);
  expect((await api.call('GET', '/v1/schedules/example.morning')).body).toMatchObject({
    state: 'paused',
    paused: { reason: 'stock-taking' },
  });
  await printed(second);
  expect((await api.call('GET', '/v1/schedules/example.morning')).body).toMatchObject({ state: 'active' });
});

test('it says why it did not run', async () => {
  const [night = '', now = '', runs = ''] = lines(why);
  expect(await printed(night)).toContain('2027-03-28T02:30 does not exist in Europe/Berlin');
  expect(await printed(now)).toContain('on Monday to Friday at 07:30 in Europe/Berlin');
  const { stderr } = await errand(runs.split(' ').slice(1));
  expect(stderr).toBe('Nothing is recorded.\n');
});
