import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { blocksOf } from '../../support/checkout/documents.ts';
import { guideProject, SHOP } from '../../support/checkout/guide_project.ts';
import { removeScratch } from '../../support/checkout/scratch.ts';
import { whenDone } from '../../support/when_done.ts';

const [handler = ''] = blocksOf('docs/guides/testing.md', 'A handler', 'ts', 1);
const [real = ''] = blocksOf('docs/guides/testing.md', 'A real Errand', 'ts', 1);
const [nights = ''] = blocksOf('docs/guides/testing.md', 'Schedules', 'ts', 1);

/** That of the guide about schedules. */
const MORNING = `
import { defineSchedule } from 'errand';
import { mail } from './shop.mail.task.ts';
export const morning = defineSchedule({
  ...{ id: 'shop.morning', task: mail, payload: { text: 'Good morning' } },
  ...{ cron: '30 7 * * MON-FRI', timezone: 'Europe/Berlin' },
});
`;

test('the tests of the guide succeed in a project, by node:test', async () => {
  const output = await runTests({ ...SHOP, 'handler.test.ts': handler, 'errand.test.ts': real });
  expect(output).toContain('# pass 3\n# fail 0');
});

test('the test of a schedule succeeds, too', async () => {
  const schedule = { 'tasks/shop.morning.schedule.ts': MORNING };
  expect(await runTests({ ...SHOP, ...schedule, 'nights.test.ts': nights })).toContain('# pass 1\n# fail 0');
});

/** Runs the tests of a project, which must succeed, and gives what they print. */
async function runTests(files: Record<string, string>): Promise<string> {
  const folder = guideProject(files);
  whenDone(() => removeScratch(folder));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--test', '--test-reporter=tap', ...Object.keys(files).filter((name) => name.endsWith('.test.ts'))],
    { cwd: folder, env: { PATH: process.env.PATH, DATABASE_URL: inject('postgresUrl') } },
  );
  return stdout;
}
