import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global_setup.ts'],
    pool: 'forks',
    // Most of the time is spent waiting for processes and for Postgres, so more files than cores run side by side.
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    coverage: {
      provider: 'v8',
      include: ['core/**', 'config/**', 'store/**', 'process/**', 'runner/**', 'api/**', 'tasks/**'],
      reporter: ['text', 'json-summary'],
    },
  },
});
