import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { loadProject, type Project } from '../../../project/project.ts';
import {
  CONFIG,
  definition,
  ERRAND,
  handler,
  projectFolder,
  schedule,
} from '../../support/checkout/project_folder.ts';

const load = (files: Record<string, string>, NODE_ENV = 'development'): Promise<Project> =>
  loadProject({ NODE_ENV, directory: projectFolder(files) });

/** Why the project of a folder with these files cannot be loaded. */
async function refusal(files: Record<string, string>): Promise<string> {
  const error: unknown = await load(files).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: 'ProjectError' });
  return (error as Error).message;
}

const ONE = {
  'tasks/mail.send.task.ts': definition('mail.send'),
  'tasks/mail.send.handler.ts': handler('./mail.send.task.ts'),
};

test('schedules are in files beside the tasks, several in one if you like', async () => {
  const project = await load({
    'errand.config.ts': CONFIG,
    ...ONE,
    'tasks/mail.schedule.mts': `${schedule('mail.nightly', './mail.send.task.ts')}
export const weekly = defineSchedule({ id: 'mail.weekly', task, payload: {}, cron: '@weekly' });
export { nightly as again };`,
    'tasks/deep/er/mail.hourly.schedule.ts': schedule('mail.hourly', '../../mail.send.task.ts'),
    'tasks/.hidden/x.schedule.ts': 'broken',
    'tasks/x.schedule.d.ts': 'broken',
    'tasks/x.schedule.test.ts': 'broken',
  });
  expect(project.schedules.map(({ id }) => id).sort()).toEqual([
    'mail.hourly',
    'mail.nightly',
    'mail.weekly',
  ]);
  expect((await load({ 'errand.config.ts': CONFIG, ...ONE })).schedules).toEqual([]);
  expect((await load({ 'x.schedule.ts': 'broken' })).schedules).toEqual([]);
});

test('a schedule can call a URL by the task that Errand ships', async () => {
  const { schedules } = await load({
    'errand.config.ts': CONFIG.replace('shipped: []', "shipped: ['http.request']"),
    ...ONE,
    'tasks/http.ping.schedule.ts': `import { defineSchedule, httpRequest } from '${ERRAND}';
export const ping = defineSchedule({
  id: 'http.ping',
  task: httpRequest,
  payload: { url: 'https://example.com/ping' },
  everySeconds: 300,
});`,
  });
  expect(schedules).toMatchObject([{ id: 'http.ping', settings: { task: 'http.request' } }]);
});

test('an explicit list has its schedules, too', async () => {
  const { schedules } = await load({
    'errand.config.ts': `import { defineConfig, defineSchedule, listTasks } from '${ERRAND}';
import { task } from './mine.ts';
export default defineConfig({
shipped: [],
tasks: listTasks({
  definitions: [task],
  handlers: { 'mail.send': () => import('./code.ts') },
  schedules: [defineSchedule({ id: 'mail.often', task, payload: {}, everySeconds: 60 })],
}),
});`,
    'mine.ts': definition('mail.send'),
    'code.ts': handler('./mine.ts'),
  });
  expect(schedules).toMatchObject([{ id: 'mail.often', settings: { every_seconds: 60 } }]);
});

test('in production a project has no schedules of example.*, because the tasks are gone', async () => {
  const files = {
    'errand.config.ts': CONFIG,
    ...ONE,
    'tasks/mail.schedule.ts': schedule('mail.nightly', './mail.send.task.ts'),
    // Projects cannot import it, but this repository can.
    'tasks/echo.schedule.ts': `import { defineSchedule } from '${ERRAND}';
import { echo } from '${join(dirname(ERRAND), '..', 'tasks', 'example', 'example.echo.task.ts')}';
export const loud = defineSchedule({ id: 'example.loud', task: echo, payload: { message: 'x' }, cron: '@daily' });`,
  };
  const idsIn = async (NODE_ENV: string): Promise<string[]> =>
    (await load(files, NODE_ENV)).schedules.map(({ id }) => id).sort();
  expect(await idsIn('development')).toEqual(['example.loud', 'mail.nightly']);
  expect(await idsIn('production')).toEqual(['mail.nightly']);
});

test('schedules: each with its file, all at once', async () => {
  const twice = { 'tasks/f.schedule.ts': 'x', 'tasks/f.schedule.js': 'x' };
  expect(await refusal({ 'errand.config.ts': CONFIG, ...ONE, ...twice })).toBe(
    'tasks/f.schedule.js and tasks/f.schedule.ts have one name: remove or rename one',
  );
  const files = {
    'errand.config.ts': CONFIG,
    ...ONE,
    'tasks/a.schedule.ts': schedule('other.nightly', './mail.send.task.ts'),
    'tasks/b.schedule.ts': schedule('mail.nightly', './mail.send.task.ts', " timezone: 'Nowhere',"),
    'tasks/c.schedule.js': 'export const nothing = 1;',
    'tasks/d.schedule.ts': "throw new Error('out of order')",
  };
  const lines = (await refusal(files)).split('\n');
  expect(lines.find((line) => line.includes('a.schedule.ts'))).toMatch(
    /^Schedule "other\.nightly" in \S+tasks\/a\.schedule\.ts: task: .*must begin with .*"mail\."/,
  );
  expect(lines.find((line) => line.includes('b.schedule.ts'))).toMatch(/timezone: must be .*"Nowhere"/);
  expect(lines).toContain(
    'tasks/c.schedule.js exports no schedule: export const name = defineSchedule({ … })',
  );
  expect(lines.find((line) => line.includes('d.schedule.ts'))).toMatch(/cannot be loaded: out of order/);
});

test('two schedules of one id, and the schedule of a task that the project does not have', async () => {
  const message = await refusal({
    'errand.config.ts': CONFIG,
    ...ONE,
    'other.task.ts': definition('mail.other'),
    'tasks/a.schedule.ts': schedule('mail.nightly', './mail.send.task.ts'),
    'tasks/b.schedule.ts': schedule('mail.nightly', './mail.send.task.ts'),
    'tasks/c.schedule.ts': schedule('mail.other_nightly', '../other.task.ts'),
  });
  expect(message.split('\n')).toEqual([
    'Schedule "mail.nightly" is defined twice: in tasks/a.schedule.ts and tasks/b.schedule.ts. Rename one',
    'tasks/c.schedule.ts: the schedule mail.other_nightly is for mail.other, which this project does not have: add the task, or remove the schedule',
  ]);
});

test('a schedule in the file of a task, where it would be overlooked', async () => {
  const file = `${definition('mail.send')}
import { defineSchedule } from '${ERRAND}';
export const nightly = defineSchedule({ id: 'mail.nightly', task, payload: {}, cron: '@daily' });`;
  expect(await refusal({ 'errand.config.ts': CONFIG, ...ONE, 'tasks/mail.send.task.ts': file })).toBe(
    'tasks/mail.send.task.ts exports a schedule: put it into a file whose name ends with .schedule.ts',
  );
});
