import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { whenDone } from '../when_done.ts';
import { removeScratch } from './scratch.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** The file that a project imports as `errand`. */
export const ERRAND = join(ROOT, 'package', 'index.ts');
const ZOD = join(ROOT, 'node_modules', 'zod', 'index.js');

/** Makes a folder with these files, by path. It is removed after the test. */
export function projectFolder(files: Record<string, string>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'errand-project-')));
  whenDone(() => removeScratch(folder));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** A configuration that finds the tasks of a folder. */
export const CONFIG = `import { defineConfig } from '${ERRAND}';
export default defineConfig({ tasks: ['./tasks'] });`;

/** The file of a definition. */
export const definition = (name: string, more = ''): string => `import { defineTask } from '${ERRAND}';
import { z } from '${ZOD}';
export const task = defineTask({
  name: '${name}', version: '1.0.0', description: 'For a test', payload: z.object({}), example: {},${more}
});`;

/** The file of a handler. */
export const handler = (of: string): string => `import { defineHandler } from '${ERRAND}';
import { task } from '${of}';
export default defineHandler(task, () => 'done');`;

/** The file of a schedule of the task that `of` exports. */
export const schedule = (
  id: string,
  of: string,
  more = '',
): string => `import { defineSchedule } from '${ERRAND}';
import { task } from '${of}';
export const nightly = defineSchedule({ id: '${id}', task, payload: {}, cron: '30 2 * * *',${more} });`;
