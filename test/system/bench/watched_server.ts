import type { Pool } from 'pg';
import { benchPool } from '../../../bench/queues/errand.ts';
import type { BenchServer } from '../../../bench/server.ts';

/** A server that lets a test look into each fresh database just before it is dropped, and tells which were. */
export function watchedServer(server: BenchServer, look: (pool: Pool) => Promise<void>) {
  const urls = new Map<string, string>();
  const dropped: string[] = [];
  const watched: BenchServer = {
    ...server,
    async freshDatabase() {
      const made = await server.freshDatabase();
      urls.set(made.name, made.url);
      return made;
    },
    async dropDatabase(name) {
      const pool = benchPool(urls.get(name) ?? '');
      await look(pool).finally(() => pool.end());
      await server.dropDatabase(name);
      dropped.push(name);
    },
  };
  return { server: watched, made: () => [...urls.keys()], dropped };
}
