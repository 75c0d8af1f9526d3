import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importProblems } from '../../../.ci/imports.ts';
import { treeOf } from './tree_of_files.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** A tree that keeps every rule, with what is nearly forbidden: type imports of pg, a lazy handler, a test. */
const LAWFUL = {
  'core/task.ts': `import { randomUUID } from 'node:crypto';\nexport const id = randomUUID();\nexport type Task = 1;\n`,
  'config/load.ts': `import 'node:fs';\n`,
  'store/pool.ts': `import { Pool } from 'pg';\nimport '../core/task.ts';\nexport const pool = new Pool();\n`,
  'store/migrate.ts': `import 'graphile-worker';\n`,
  'process/database.ts': `import type { Pool } from 'pg';\nimport '../config/load.ts';\nimport '../store/pool.ts';\n`,
  'tasks/a.task.ts': `import type { Task } from '../core/task.ts';\nexport const a: Task = 1;\n`,
  'tasks/w.workflow.ts': `import { a } from './a.task.ts';\nexport const w = a;\n`,
  'tasks/u.workflow.ts': `import { w } from './w.workflow.ts';\nexport const u = w;\n`,
  'tasks/text/t.task.ts': `import { a } from '../a.task.ts';\nexport const t = a;\n`,
  'tasks/text/t.handler.ts': `import './t.task.ts';\nimport '../http/send.ts';\nimport '../../config/load.ts';\n`,
  'tasks/index.ts': `export { a } from './a.task.ts';\nexport { t } from './text/t.task.ts';\nexport { u } from './u.workflow.ts';\n`,
  'tasks/http/send.ts': `import type { a } from '../a.task.ts';\nexport type A = typeof a;\nexport const late = () => import('undici');\n`,
  'tasks/a.handler.ts': `import './a.task.ts';\nimport './http/send.ts';\nimport '../config/load.ts';\n`,
  'tasks/w.steps.ts': `import './w.workflow.ts';\nimport './http/send.ts';\nimport '../config/load.ts';\n`,
  'tasks/handlers.ts': `import type { a } from './index.ts';\nexport const load = () => [import('./a.handler.ts'), import('./text/t.handler.ts'), import('./w.steps.ts')];\n`,
  'api/main.ts': `import '../process/database.ts';\nimport '../tasks/index.ts';\nimport '../store/pool.ts';\n`,
  'runner/main.ts': `import '../process/database.ts';\nimport '../tasks/handlers.ts';\nimport 'graphile-worker';\n`,
  'embedded/start.ts': `import 'pg';\nimport '../config/load.ts';\n`,
  'client/index.ts': `import pRetry from 'p-retry';\nexport { breaker } from './breaker.ts';\nexport const retry = pRetry;\n`,
  'client/breaker.ts': `import { circuitBreaker } from 'cockatiel';\nexport const breaker = circuitBreaker;\n`,
  'doctor/examine.ts': `import '../process/database.ts';\nimport '../store/pool.ts';\n`,
  'cli/doctor.ts': `import '../doctor/examine.ts';\n`,
  'demo/main.ts': `import '../config/load.ts';\n`,
  'server/index.ts': `import '../api/main.ts';\nimport '../runner/main.ts';\n`,
  'testing/index.ts': `import '../server/index.ts';\nimport '../embedded/start.ts';\n`,
  'init/main.ts': `import '../core/task.ts';\n`,
  'dev/main.ts': `import '../config/load.ts';\nimport '../embedded/start.ts';\n`,
  'check/main.ts': `import '../config/load.ts';\nimport '../core/task.ts';\n`,
  'cli/main.ts': `import type { retry } from '../client/index.ts';\nexport const load = (): unknown[] => [import('./session.ts'), import('../api/main.ts')];\nexport type Retry = typeof retry;\n`,
  'cli/session.ts': `import '../client/index.ts';\nimport '../config/load.ts';\n`,
  'bench/main.ts': `import '../api/main.ts';\nimport '../embedded/start.ts';\nimport '../runner/main.ts';\n`,
  '.ci/checks.ts': `import './report.ts';\n`,
  '.ci/report.ts': `export const report = 1;\n`,
  'test/a.test.ts': `import '../runner/main.ts';\nimport '../tasks/handlers.ts';\nimport 'pg';\n`,
};

/** For each rule files that break it, to be added to the lawful tree. */
const UNLAWFUL: Record<string, Record<string, string>> = {
  'no-circles': { 'core/hen.ts': `import type { id } from './egg.ts';\nexport type Hen = typeof id;\n` },
  'known-rooms': { 'attic/box.ts': `import '../core/task.ts';\n` },
  'core-alone': { 'core/egg.ts': `import '../config/load.ts';\nexport type { Hen } from './hen.ts';\n` },
  'core-pure': { 'core/file.ts': `import 'node:fs';\n`, 'core/wait.ts': `import 'timers/promises';\n` },
  'config-alone': { 'config/x.ts': `import '../core/task.ts';\n` },
  'client-alone': {
    'client/x.ts': `import type { Task } from '../core/task.ts';\nexport type X = Task;\n`,
    'client/y.ts': `import 'node:fs';\n`,
    'client/z.ts': `import 'zod';\n`,
  },
  'store-imports': { 'store/x.ts': `export * from '../process/database.ts';\n` },
  'process-imports': { 'process/x.ts': `import '../tasks/index.ts';\n` },
  'task-definition-imports': {
    'tasks/b.task.ts': `import './http/send.ts';\n`,
    'tasks/c.task.ts': `import '../config/load.ts';\n`,
    'tasks/d.workflow.ts': `import './w.steps.ts';\n`,
    'tasks/e.workflow.ts': `import '../store/pool.ts';\n`,
    'tasks/text/f.task.ts': `import './t.handler.ts';\n`,
  },
  'task-handler-imports': {
    'tasks/b.handler.ts': `import '../store/pool.ts';\n`,
    'tasks/b.steps.ts': `import '../store/pool.ts';\n`,
    'tasks/http/x.ts': `import '../../runner/main.ts';\n`,
    'tasks/text/x.handler.ts': `import '../../store/pool.ts';\n`,
  },
  'api-imports': {
    'api/x.ts': `import '../runner/main.ts';\n`,
    'api/steps.ts': `import type * as steps from '../tasks/w.steps.ts';\nexport type Steps = typeof steps;\n`,
  },
  'api-reaches-no-handler': {
    'api/y.ts': `export const y = () => import('../tasks/a.handler.ts');\n`,
    'api/z.ts': `export const z = () => import('../tasks/w.steps.ts');\n`,
    'api/d.ts': `import '../tasks/d.workflow.ts';\n`,
    'api/t.ts': `export const t = () => import('../tasks/text/t.handler.ts');\n`,
  },
  'runner-imports': { 'runner/x.ts': `import '../api/main.ts';\n` },
  'project-imports': { 'project/x.ts': `import '../store/pool.ts';\n` },
  'handlers-for-runners': {
    'process/y.ts': `import type { load } from '../tasks/handlers.ts';\n`,
    'process/a.ts': `import '../tasks/a.handler.ts';\n`,
    'process/w.ts': `import '../tasks/w.steps.ts';\n`,
    'process/t.ts': `import '../tasks/text/t.handler.ts';\n`,
  },
  'server-imports': { 'server/x.ts': `import '../store/pool.ts';\n` },
  'testing-imports': { 'testing/x.ts': `import '../demo/main.ts';\n` },
  'testing-for-tests': { 'runner/test.ts': `import '../testing/index.ts';\n` },
  'late-packages': {
    'tasks/http/late.ts': `import { Agent } from 'undici';\nexport const agent = new Agent();\n`,
  },
  'embedded-imports': { 'embedded/x.ts': `import '../process/database.ts';\n` },
  'demo-imports': { 'demo/x.ts': `import '../core/task.ts';\n` },
  'cli-imports': {
    'cli/x.ts': `import '../store/pool.ts';\n`,
    'cli/y.ts': `export const load = () => import('../process/database.ts');\n`,
  },
  'dashboard-imports': { 'dashboard/x.ts': `import '../core/task.ts';\n` },
  'dashboard-in-browsers': {
    'dashboard/y.ts': `import { join } from 'node:path';\nexport const x = join('a');\n`,
  },
  'dashboard-for-itself': { 'api/page.ts': `import '../dashboard/x.ts';\n` },
  'dashboard-packages': { 'api/graph.ts': `import 'uplot';\n` },
  'init-imports': { 'init/x.ts': `import '../config/load.ts';\n` },
  'dev-imports': { 'dev/x.ts': `import '../api/main.ts';\n` },
  'check-imports': { 'check/x.ts': `import '../runner/main.ts';\n` },
  'doctor-imports': { 'doctor/x.ts': `import '../runner/main.ts';\n` },
  'bench-imports': {
    'bench/x.ts': `import '../demo/main.ts';\n`,
    'bench/y.ts': `import '../test/a.test.ts';\n`,
  },
  'bench-for-itself': { 'api/bench.ts': `import '../bench/main.ts';\n` },
  'checks-alone': { '.ci/x.ts': `import '../core/task.ts';\n` },
  'tests-for-tests': { 'core/z.ts': `import '../test/a.test.ts';\n` },
  'database-rooms': { 'api/pg.ts': `import { Pool } from 'pg';\nexport const pool = new Pool();\n` },
  'queue-rooms': { 'api/worker.ts': `import 'graphile-worker';\n` },
  'peers-for-bench': { 'api/boss.ts': `import 'pg-boss';\n` },
};

test('a tree that keeps the rules has no problems', async () => {
  expect(await importProblems(treeOf(LAWFUL))).toEqual([]);
});

test('every rule finds what breaks it', async () => {
  const added = Object.assign({}, ...Object.values(UNLAWFUL)) as Record<string, string>;
  const problems = await importProblems(treeOf({ ...LAWFUL, ...added }));
  const found = problems.map((line) => line.slice(0, line.indexOf(' →')));
  const expected = Object.entries(UNLAWFUL).flatMap(([rule, files]) =>
    Object.keys(files).map((file) => `${rule}: ${file}`),
  );
  // A circle is told from one of its files.
  expect(found.map((line) => line.replace('egg', 'hen'))).toEqual(
    expect.arrayContaining(expected.map((line) => line.replace('egg', 'hen'))),
  );
  expect(problems).toEqual(
    expect.arrayContaining([
      'api-reaches-no-handler: api/x.ts → runner/main.ts → tasks/handlers.ts → tasks/a.handler.ts',
      'api-reaches-no-handler: api/x.ts → runner/main.ts → tasks/handlers.ts → tasks/text/t.handler.ts',
      'api-reaches-no-handler: api/x.ts → runner/main.ts → tasks/handlers.ts → tasks/w.steps.ts',
      'api-reaches-no-handler: api/d.ts → tasks/d.workflow.ts → tasks/w.steps.ts',
    ]),
  );
});

test('every rule has a file that breaks it', () => {
  const rules = JSON.parse(readFileSync(join(ROOT, '.dependency-cruiser.json'), 'utf8')) as {
    forbidden: { name: string }[];
  };
  expect(Object.keys(UNLAWFUL)).toEqual(rules.forbidden.map(({ name }) => name));
});
