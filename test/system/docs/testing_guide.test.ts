import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { blocksOf } from '../../support/checkout/documents.ts';
import { guideProject, SHOP } from '../../support/checkout/guide_project.ts';
import { removeScratch } from '../../support/checkout/scratch.ts';
import { whenDone } from '../../support/when_done.ts';

const [handler = ''] = blocksOf('docs/guides/testing.md', 'A handler', 'ts', 1);
const [real = ''] = blocksOf('docs/guides/testing.md', 'A real Errand', 'ts', 1);

test('the tests of the guide succeed in a project, by node:test', async () => {
  const folder = guideProject({ ...SHOP, 'handler.test.ts': handler, 'errand.test.ts': real });
  whenDone(() => removeScratch(folder));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--test', '--test-reporter=tap', 'handler.test.ts', 'errand.test.ts'],
    { cwd: folder, env: { PATH: process.env.PATH, DATABASE_URL: inject('postgresUrl') } },
  );
  expect(stdout).toContain('# pass 3\n# fail 0');
});
