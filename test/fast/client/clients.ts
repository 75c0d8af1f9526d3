import type { Pool } from 'pg';
import type { Client, ClientOptions, TasksOf } from '../../../client/index.ts';
import { createClient } from '../../../client/index.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions } from '../../../tasks/index.ts';
import { startApi, type TestApi } from '../../support/api.ts';

/** What is submitted in these tests. */
export type ShippedTasks = TasksOf<typeof definitions>;

/** Retries that do not keep a test waiting. */
export const QUICK = { initialMs: 5, maxMs: 40 };

/** An API whose definitions are registered, as its process does it. */
export async function startRegisteredApi(pool: Pool): Promise<TestApi> {
  await registerDefinitions(pool, definitions);
  return startApi(pool);
}

/** A client whose retries are quick. */
export function clientOf(url: string, options: Partial<ClientOptions> = {}): Client<ShippedTasks> {
  return createClient<ShippedTasks>({ baseUrl: url, retry: QUICK, ...options });
}
