import { defineConfig } from 'vitest/config';

/** These mock modules, change the environment or what is global, so each gets a process of its own. */
const ALONE = [
  'test/api/zod3.test.ts',
  'test/config/load.test.ts',
  'test/tasks/**/*.test.ts',
  'test/tracing/**/*.test.ts',
];

/** These need a browser. `npm test` leaves them out, `.ci/run` installs one and runs all. */
const BROWSER = ['test/browser/**/*.test.ts'];

export default defineConfig({
  test: {
    globalSetup: ['test/support/global_setup.ts'],
    pool: 'forks',
    // Most of the time is spent waiting for processes and for Postgres, so more files than cores run side by side.
    maxWorkers: 4,
    // Far above what any of them takes: time decides about no test, and a machine can be busy.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    restoreMocks: true,
    projects: [
      // What files load is loaded once per worker: loading it for each was a third of all work.
      {
        extends: true,
        test: {
          name: 'shared',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: [...ALONE, ...BROWSER],
        },
      },
      { extends: true, test: { name: 'alone', isolate: true, include: ALONE } },
      { extends: true, test: { name: 'browser', isolate: false, include: BROWSER } },
    ],
    coverage: {
      provider: 'v8',
      include: [
        'core/**',
        'config/**',
        'store/**',
        'process/**',
        'runner/**',
        'api/**',
        'tasks/**',
        'client/**/*.ts',
      ],
      reporter: ['text', 'json-summary'],
    },
  },
});
