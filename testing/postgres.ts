import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '../store/testing/databases.ts';
import { SERVER_FILE, serverFileSchema } from './server_file.ts';

const POLL_MS = 25;
/** How long the first test of a run waits for its server on a busy machine. */
const SERVER_WITHIN_MS = 120_000;
/** A keeper that is asked again while another one ends. */
const ASK_AGAIN_MS = 5_000;

/**
 * Makes a migrated database for a test: on the server of `url`, else on that of DATABASE_URL, else on an
 * embedded Postgres that all tests of this user share and that ends after the last one. Throws if there is
 * none, and says what to do.
 */
export async function databaseForTest(url: string | undefined, id: string): Promise<TestDatabase> {
  const given = url ?? process.env.DATABASE_URL;
  if (given !== undefined && given !== '') return createTestDatabase(given, id);
  const folder = await keeperFolder();
  const until = Date.now() + SERVER_WITHIN_MS;
  let askedAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const server = await serverIn(folder);
    const made = server === null ? null : await tryServer(server, id);
    if (made !== null) return made;
    if (Date.now() > until)
      throw new Error(`The Postgres for tests did not start within ${SERVER_WITHIN_MS / 1_000} s: see ${folder}`);
    if (performance.now() - askedAt > ASK_AGAIN_MS) {
      startKeeper(folder);
      askedAt = performance.now();
    }
    await pause(POLL_MS);
  }
}

/** One for each user and each installation of Errand, whose versions may differ. */
async function keeperFolder(): Promise<string> {
  const installation = createHash('sha256').update(import.meta.dirname).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `errand-testing-${userInfo().uid}-${installation}`);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  return folder;
}

/** The server that a keeper has started. Throws if it could not start one. */
async function serverIn(folder: string): Promise<string | null> {
  const file = join(folder, SERVER_FILE);
  const text = await readFile(file, 'utf8').catch(() => '');
  const parsed = text === '' ? null : serverFileSchema.safeParse(parse(text));
  if (parsed === null || !parsed.success) return null;
  if ('url' in parsed.data) return parsed.data.url;
  await rm(file, { force: true });
  throw new Error(`The Postgres for tests could not start: ${parsed.data.error}`);
}

/** The file may be half written. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Null if the server is ending: its keeper starts another. */
async function tryServer(url: string, id: string): Promise<TestDatabase | null> {
  try {
    return await createTestDatabase(url, id);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (/^(ECONN|57P)/.test(code) || (error instanceof Error && /terminated/.test(error.message))) return null;
    throw error;
  }
}

/** It outlives this process, and ends soon after the last test. If another one is there, it waits for it. */
function startKeeper(folder: string): void {
  const script = join(import.meta.dirname, `keeper${extname(import.meta.filename)}`);
  const child = spawn(process.execPath, [script, folder], { detached: true, stdio: 'ignore', cwd: '/' });
  child.on('error', () => {});
  child.unref();
}
