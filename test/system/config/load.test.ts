import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../../config/load.ts';
import { launch } from '../../support/processes.ts';

const before = { folder: process.cwd(), environment: { ...process.env } };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'errand-config-'));
  process.chdir(folder);
  for (const name of ['SERVER_PORT', 'LOG_LEVEL', 'DATABASE_URL', 'RUNNER_CONCURRENCY'])
    delete process.env[name];
});
afterEach(() => {
  process.chdir(before.folder);
  rmSync(folder, { recursive: true, force: true });
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, before.environment);
});

test('a file .env is read', () => {
  writeFileSync(join(folder, '.env'), 'SERVER_PORT=9001\nLOG_LEVEL="warn" # loud\n');
  expect(loadConfig()).toMatchObject({ SERVER_PORT: 9001, LOG_LEVEL: 'warn' });
});

test('what is set already wins over .env', () => {
  writeFileSync(join(folder, '.env'), 'SERVER_PORT=9001\nRUNNER_CONCURRENCY=3\n');
  process.env.SERVER_PORT = '9002';
  expect(loadConfig()).toMatchObject({ SERVER_PORT: 9002, RUNNER_CONCURRENCY: 3 });
});

test('a bad value in .env is told like any other, and no .env is fine', () => {
  expect(loadConfig().SERVER_PORT).toBe(8080);
  writeFileSync(join(folder, '.env'), 'SERVER_PORT=none');
  expect(() => loadConfig()).toThrow('SERVER_PORT=none is not accepted');
});

test.each([
  ['api/main.ts', 'SERVER_PORT=abc'],
  ['runner/main.ts', 'SERVER_PORT=abc'],
  ['process/migrate.ts', 'LOG_LEVEL=loud'],
])('%s stops at once with %s, says why and exits with 1', async (script, assignment) => {
  const [name = '', value = ''] = assignment.split('=');
  const { exited, output } = launch(script, {
    [name]: value,
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  });
  expect(await exited).toBe(1);
  expect(output()).toMatch(`The configuration is not valid:\n  ${assignment} is not accepted: it must be `);
  expect(output()).not.toContain('    at ');
});
