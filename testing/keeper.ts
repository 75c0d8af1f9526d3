import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { claimFile } from '../embedded/claim.ts';
import { startPostgres } from '../embedded/postgres.ts';
import { openTestServer, type TestServer } from '../store/testing/databases.ts';
import { SERVER_FILE, STATE_FOLDER } from './server_file.ts';

// The process that keeps the Postgres of a test run. `testing/postgres.ts` starts it, and it ends with the last
// test: Postgres shows who is connected, so it notices tests that were killed too.

const LOOK_EVERY_MS = 1_000;
/** How long the server stays without tests: the next file of a run may only be loading. */
const IDLE_MS = Number(process.env.ERRAND_TEST_SERVER_IDLE_MS ?? 15_000);
/** How long another keeper of this folder may take to end. */
const CLAIM_WITHIN_MS = 60_000;

/** The data are thrown away, so they need not be durable. */
const SETTINGS = {
  ...{ fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' },
  ...{ wal_level: 'minimal', max_wal_senders: '0', autovacuum: 'off', jit: 'off', max_connections: '400' },
};

const [folder = ''] = process.argv.slice(2);

/** Gives false if another keeper has this folder, and goes on with it. */
async function claim(): Promise<boolean> {
  const until = Date.now() + CLAIM_WITHIN_MS;
  for (;;) {
    try {
      claimFile(join(folder, 'keeper.pid'));
      return true;
    } catch {
      if (Date.now() > until) return false;
    }
    await pause(100);
  }
}

/** Resolves when no test has been connected for a while, and the file that names the server is gone. */
async function untilIdle(tests: TestServer, file: string, content: string): Promise<void> {
  let usedAt = performance.now();
  for (;;) {
    await pause(LOOK_EVERY_MS);
    if ((await tests.countTests()) > 0) usedAt = performance.now();
    if (performance.now() - usedAt < IDLE_MS) continue;
    await rm(file, { force: true });
    // A test may have read the file before, and connected meanwhile.
    await pause(LOOK_EVERY_MS);
    if ((await tests.countTests()) === 0) return;
    usedAt = performance.now();
    await writeFile(file, content);
  }
}

async function keep(): Promise<void> {
  const file = join(folder, SERVER_FILE);
  const server = await startPostgres({
    directory: join(folder, STATE_FOLDER),
    port: 0,
    settings: SETTINGS,
    log: () => {},
  });
  try {
    const tests = await openTestServer(server.url);
    const content = JSON.stringify({ url: server.url });
    await writeFile(file, content, { mode: 0o600 });
    await Promise.race([untilIdle(tests, file, content), server.exited]);
    await tests.close();
  } finally {
    await rm(file, { force: true });
    await server.stop();
    await rm(join(folder, STATE_FOLDER), { recursive: true, force: true });
  }
}

try {
  if (await claim()) await keep();
  process.exit(0);
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  await writeFile(join(folder, SERVER_FILE), JSON.stringify({ error: why }));
  process.exit(1);
}
