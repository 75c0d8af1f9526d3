import { expect, test } from 'vitest';
import { checkProject } from '../../../check/project.ts';
import { CONFIG, definition, handler, projectFolder } from '../../support/checkout/project_folder.ts';

const check = (files: Record<string, string>) =>
  checkProject({ NODE_ENV: 'development', directory: projectFolder(files) });

test('a project that would start: its tasks are counted', async () => {
  const { project, part } = await check({
    'errand.config.ts': CONFIG,
    'tasks/mail.send.task.ts': definition('mail.send'),
    'tasks/mail.send.handler.ts': handler('./mail.send.task.ts'),
  });
  expect(part).toMatchObject({
    summary: expect.stringMatching(/^the project: 1 task, and \d+ /),
    problems: [],
  });
  expect(project?.own).toEqual(new Set(['mail.send']));
});

test('all definitions that cannot be loaded are named at once, each with its place', async () => {
  const { project, part } = await check({
    'errand.config.ts': CONFIG,
    'tasks/a.task.ts': `throw new Error('boo');`,
    'tasks/a.handler.ts': '',
    'tasks/b.task.ts': 'export const nothing = 1;',
    'tasks/b.handler.ts': '',
  });
  expect(project).toBeNull();
  expect(part.problems.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^tasks\/a\.task\.ts cannot be loaded: boo\n {2}at tasks\/a\.task\.ts:1:\d+$/),
    expect.stringMatching(/^tasks\/b\.task\.ts exports no definition/),
  ]);
});

test('all handlers that are wrong are named at once', async () => {
  const { part } = await check({
    'errand.config.ts': CONFIG,
    'tasks/a.task.ts': definition('mail.send'),
    'tasks/a.handler.ts': 'export default 1;',
    'tasks/b.task.ts': definition('mail.read'),
    'tasks/b.handler.ts': handler('./a.task.ts'),
  });
  expect(part.problems.map(({ message }) => message)).toEqual([
    'tasks/a.handler.ts must export default defineHandler(…) of mail.send',
    'tasks/b.handler.ts has the code of mail.send, not of mail.read: import the definition beside it',
  ]);
});

test('a definition that should be corrected is a warning', async () => {
  const { part } = await check({
    'errand.config.ts': CONFIG,
    'tasks/a.task.ts': definition('mail.send').replace(
      'z.object({})',
      `z.object({ a: z.string().regex(/^a*a*$/).default('a') })`,
    ),
    'tasks/a.handler.ts': handler('./a.task.ts'),
  });
  expect(part).toMatchObject({ problems: [], warnings: [{ kind: 'project', name: 'mail.send' }] });
});
