import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global_setup.ts'],
    pool: 'forks',
    // Most of the time is spent waiting for processes and for Postgres, so more files than cores run side by side.
    maxWorkers: 4,
    // Far above what any of them takes: time decides about no test, and a machine can be busy.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    restoreMocks: true,
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
