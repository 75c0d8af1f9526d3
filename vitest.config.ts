import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { MIN_COVERAGE } from './.ci/coverage.ts';

/** These mock modules, change the environment or what is global, so each gets a process of its own. */
const ALONE = [
  'test/fast/api/openapi/zod3.test.ts',
  'test/fast/tasks/{ci.build,ci.build.*,http.target,report.build}.test.ts',
  'test/fast/tracing/**/*.test.ts',
  'test/system/config/load.test.ts',
  'test/system/tracing/**/*.test.ts',
];

/** The tests of a folder. What files load is loaded once per worker: loading it for each was a third of all work. */
function tier(name: string) {
  const include = [`test/${name}/**/*.test.ts`];
  const alone = ALONE.filter((files) => files.startsWith(`test/${name}/`));
  return [
    { extends: true as const, test: { name, isolate: false, include, exclude: alone } },
    { extends: true as const, test: { name: `${name}_alone`, isolate: true, include: alone } },
  ];
}

/** The real processes on a server, and its own functions in a database that was made on another. */
const ROAD = 'test/system/versions/!(without_trigrams).test.ts';
const OPERATORS = 'test/{fast,system}/store/operators/**/*.test.ts';

/**
 * These run on older servers, too: all of the ledger on the oldest, and the main roads on those between it and the newest, on
 * Debian's with all that migrates. The bounds of what errand.submit takes are the same on all, and cost most.
 */
const ON_OLDER: Record<string, string[]> = {
  'postgres-14': [
    'test/system/versions/**/*.test.ts',
    'test/{fast,system}/store/**/!(sql_bounds).test.ts',
    'test/system/process/roles.test.ts',
  ],
  'postgres-15': [ROAD, 'test/{fast,system}/store/**/!(sql_)*.test.ts'],
  'postgres-16': [ROAD, OPERATORS],
  'postgres-17': [ROAD, OPERATORS],
};

const ON_OLDER_PROJECTS = Object.entries(ON_OLDER).map(
  ([name, include]): TestProjectInlineConfiguration => ({
    extends: true,
    test: { name, isolate: false, include, globalSetup: ['test/system/versions/global_setup.ts'] },
  }),
);

export default defineConfig({
  test: {
    globalSetup: ['test/support/global_setup.ts'],
    pool: 'forks',
    // Most of the time is spent waiting for processes and for Postgres, so more files than cores run side by side.
    maxWorkers: 4,
    // Far above what any of them takes: time decides about no test, and a machine can be busy.
    testTimeout: 600_000,
    hookTimeout: 300_000,
    restoreMocks: true,
    // `npm test` is what runs in this process, and Postgres; `npm run test:system` is what starts processes, compilers, browsers …
    projects: [...tier('fast'), ...tier('system'), ...ON_OLDER_PROJECTS],
    coverage: {
      provider: 'custom',
      customProviderModule: 'test/covered/provider.ts',
      // Our provider does it. Vitest needs to know that processes run the source as it is.
      autoAttachSubprocess: true,
      include: [`{${Object.keys(MIN_COVERAGE).join()}}/**/*.ts`],
      reporter: ['text', 'json'],
    },
  },
});
