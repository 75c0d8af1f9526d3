import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Pool, QueryConfig } from 'pg';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type AppOptions, createApp } from '../../../api/app.ts';
import { apiServer, call, type TestApi } from '../../support/api.ts';
import { appOptions } from '../../support/api_options.ts';

export type OwnApi = TestApi & {
  /** What it has logged so far. */
  lines: Record<string, unknown>[];
  /** Aborted by a test to say that the process is on its way out. */
  stopping: AbortController;
  server: Server;
};

/** The API of one test, over any pool, with its log kept and its stop in the hands of the test. */
export async function startOwnApi(pool: Pool, options: Partial<AppOptions> = {}): Promise<OwnApi> {
  const lines: Record<string, unknown>[] = [];
  const stopping = new AbortController();
  const { app } = createApp({
    ...appOptions(pool, stopping.signal),
    log: pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    ...options,
  });
  const server = apiServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    stopping.abort();
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, lines, stopping, server, call: (...parameters) => call(url, ...parameters) };
}

/** A statement as it went to Postgres. */
export type Statement = { name: string; text: string; values: unknown[] };

/**
 * A view of a pool that tells of every statement before it is sent: each is one round trip, whether it goes by the
 * pool or by a client of it.
 */
export function watched(pool: Pool, onStatement: (statement: Statement) => void): Pool {
  const watch = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, property) {
        const value: unknown = Reflect.get(object, property);
        if (typeof value !== 'function') return value;
        if (property === 'connect') return async () => watch(await pool.connect());
        if (property !== 'query') return value.bind(object);
        return (query: string | QueryConfig, ...rest: unknown[]) => {
          onStatement(
            typeof query === 'string'
              ? { name: '', text: query, values: (rest[0] ?? []) as unknown[] }
              : { name: query.name ?? '', text: query.text, values: query.values ?? [] },
          );
          return value.call(object, query, ...rest);
        };
      },
    });
  return watch(pool);
}

/** Locks the table of tasks, so that statements wait there, until the gate is opened or the test is done. */
export async function closeGate(
  pool: Pool,
  mode: 'exclusive' | 'access exclusive',
): Promise<() => Promise<void>> {
  const holder = await pool.connect();
  await holder.query(`begin; lock table errand.tasks in ${mode} mode`);
  let opened: Promise<void> | undefined;
  const open = (): Promise<void> => {
    opened ??= holder.query('rollback').then(() => holder.release());
    return opened;
  };
  onTestFinished(open);
  return open;
}
