import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createCoverageMap } from '@vitest/istanbul-lib-coverage';
import { expect, test } from 'vitest';
import { treeOf } from '../../fast/structure/tree_of_files.ts';
import { ROOT } from '../../support/checkout/documents.ts';

/** One half of it runs in the test, the other in a process; each function elsewhere, and one nowhere. */
const HALVES = `
type Half = 'test' | 'process';

export function halves(half: Half): string {
  if (half === 'test') {
    const inTest = 'ran in the test';
    return inTest;
  }
  const inProcess = 'ran in the process';
  return inProcess;
}

export function thread(): string {
  const inThread = 'ran in the thread';
  return inThread;
}

export function copied(): string {
  const inCopy = 'ran in a copy of the source';
  return inCopy;
}

export function built(): string {
  const inBuild = 'ran in what was built of it';
  return inBuild;
}

function later<Given>(given: Given): Given {
  return given;
}

// The statement round it runs.
export const nowhere = later((text: string): string => {
  const inNothing = \`\${text} did not run\`;
  return inNothing;
});
`;

const FILES = {
  'room/halves.ts': HALVES,
  'room/alone.ts': `import { halves } from './halves.ts';
import { Worker } from 'node:worker_threads';

halves('process');
new Worker(new URL('./thread.ts', import.meta.url));
`,
  'room/thread.ts': `import { thread } from './halves.ts';

thread();
`,
  'room/copied.ts': `import { copied } from './halves.ts';

copied();
`,
  'room/built.ts': `import { built } from './halves.ts';

built();
`,
  'room/test.ts': `import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noteBuild, noteCopy } from ${JSON.stringify(join(ROOT, 'test/covered/copies.ts'))};
import { halves } from './halves.ts';

const root = join(import.meta.dirname, '..');
const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root, env: {} });

test('halves', () => {
  expect(halves('test')).toBe('ran in the test');
  run('room/alone.ts');
  // As a process leaves it that is killed while it writes.
  writeFileSync(join(process.env.NODE_V8_COVERAGE ?? '', 'coverage-0-0-0.json'), '{"result":[{"scr');
  const copy = join(mkdtempSync(join(root, 'copies-')), 'copy');
  cpSync(join(root, 'room'), join(copy, 'room'), { recursive: true });
  noteCopy(copy);
  run(join(copy, 'room/copied.ts'));
  const dist = join(copy, 'node_modules/errand/dist');
  const target = ['--sourceMap', '--module', 'nodenext', '--target', 'esnext', '--rewriteRelativeImportExtensions'];
  run('node_modules/typescript/bin/tsc', 'room/built.ts', '--rootDir', '.', '--outDir', dist, ...target);
  noteBuild(dist);
  run(join(dist, 'room/built.js'));
});
`,
  'vitest.config.ts': `import { defineConfig } from 'vitest/config';

const coverage = {
  enabled: true,
  provider: 'custom',
  customProviderModule: ${JSON.stringify(join(ROOT, 'test/covered/provider.ts'))},
  autoAttachSubprocess: true,
  include: ['room/*.ts'],
  reporter: ['json'],
};
// A machine can be busy: time decides about no test.
export default defineConfig({ test: { include: ['room/test.ts'], testTimeout: 600_000, coverage } });
`,
  'package.json': '{ "type": "module" }',
};

/** The trimmed lines of a file that did not run, of those that could. */
function notCovered(report: ReturnType<typeof createCoverageMap>, file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return report
    .fileCoverageFor(file)
    .getUncoveredLines()
    .map((line) => lines[Number(line) - 1]?.trim() ?? '');
}

test('the coverage counts what a test runs, and what processes and threads run that it starts, in copies and builds, too', () => {
  const folder = treeOf(FILES);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  execFileSync(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder], {
    cwd: folder,
    // The coverage of this run is another.
    env: { PATH: process.env.PATH, NODE_V8_COVERAGE: '' },
    stdio: 'pipe',
  });
  const report = createCoverageMap(
    JSON.parse(readFileSync(join(folder, 'coverage', 'coverage-final.json'), 'utf8')),
  );
  expect(notCovered(report, join(folder, 'room/halves.ts'))).toEqual([
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code.
    'const inNothing = `${text} did not run`;',
    'return inNothing;',
  ]);
  for (const file of ['alone.ts', 'thread.ts', 'copied.ts', 'built.ts'])
    expect(notCovered(report, join(folder, 'room', file)), file).toEqual([]);
});
