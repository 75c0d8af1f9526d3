import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { until } from '../../support/until.ts';

type Said = { state: string; startMs: number; databaseUrl: string };

const temp = scratchFolder(0o755);

/** A process of a test run without DATABASE_URL, and what it says when its task is done. */
async function startOne(): Promise<{ child: ChildProcess; said: Said }> {
  const { DATABASE_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'one_test.ts')], {
    env: { ...env, TMPDIR: temp, ERRAND_TEST_SERVER_IDLE_MS: '3000' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout?.on('data', (part) => {
    text += String(part);
  });
  await until('the test has said something or ended', () => text.includes('\n') || child.exitCode !== null);
  return { child, said: JSON.parse(text) as Said };
}

/** The names of what is left in the folder of the keeper. */
function left(): string[] {
  return readdirSync(temp).flatMap((folder) => readdirSync(join(temp, folder)));
}

let first: Awaited<ReturnType<typeof startOne>>;
let second: Awaited<ReturnType<typeof startOne>>;

beforeAll(async () => {
  [first, second] = await Promise.all([startOne(), startOne()]);
});

test('tests that start at the same time share one embedded Postgres, with a database each', () => {
  expect([first.said.state, second.said.state]).toEqual(['succeeded', 'succeeded']);
  const [one, other] = [new URL(first.said.databaseUrl), new URL(second.said.databaseUrl)];
  expect(one.port).toBe(other.port);
  expect(one.pathname).not.toBe(other.pathname);
});

test('the server ends after the last test, even if that was killed, and leaves no data behind', async () => {
  first.child.stdin?.write('stop\n');
  expect((await once(first.child, 'exit'))[0]).toBe(0);
  second.child.kill('SIGKILL');
  await until('nothing is left', () => left().length === 0);
  const client = new Client({ connectionString: second.said.databaseUrl });
  await expect(client.connect()).rejects.toThrow('ECONNREFUSED');
});

test('the next test starts another server', async () => {
  const { child, said } = await startOne();
  expect(said.state).toBe('succeeded');
  child.stdin?.write('stop\n');
  await once(child, 'exit');
  await until('nothing is left', () => left().length === 0);
});
