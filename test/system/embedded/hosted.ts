import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { until } from '../../support/until.ts';

const HOST = fileURLToPath(new URL('./host.ts', import.meta.url));

/** Asks a server one thing and gives the values of its answer. */
export async function query(postgres: { url: string }, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: postgres.url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

type Hosted = { url: string; pid: number; host: ChildProcess };

/** Starts Postgres in a process of its own. */
export async function startHosted(
  where: string,
  options: { args?: string[]; uid?: number; gid?: number } = {},
) {
  const { args = [], ...identity } = options;
  const host = spawn(process.execPath, [HOST, where, ...args], { ...identity, cwd: '/', stdio: 'pipe' });
  onTestFinished(() => void host.kill('SIGKILL'));
  let output = '';
  let errors = '';
  host.stdout.on('data', (chunk) => (output += String(chunk)));
  host.stderr.on('data', (chunk) => (errors += String(chunk)));
  const hosted = async (): Promise<Hosted> => {
    await until('the host says where its Postgres is', () => output.includes('\n') || host.exitCode !== null);
    if (!output.includes('\n')) throw new Error(errors);
    return { ...(JSON.parse(output) as { url: string; pid: number }), host };
  };
  return { host, hosted };
}
