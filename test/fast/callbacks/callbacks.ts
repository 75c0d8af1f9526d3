import type { Pool } from 'pg';
import { z } from 'zod';
import { createRegistry } from '../../../core/registry.ts';
import { defineTask } from '../../../core/task.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions, ownDefinitions } from '../../../tasks/index.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { testConfig } from '../../support/api_options.ts';

export const HOOK = 'https://hooks.example.com/errand';
export const ECHO = '/v1/tasks/example.echo';
/** Where tasks of `telling` are told of unless their submission says where else. */
export const POLICY_HOOK = 'https://shop.example.com/policy';

export const telling = defineTask({
  name: 'shop.telling',
  version: '1.0.0',
  description: 'For these tests',
  payload: z.strictObject({ n: z.number() }),
  policy: { callbackUrl: POLICY_HOOK, dedup: { strategy: 'none' } },
  example: { n: 1 },
});

/** An API that knows it beside the shipped definitions, over a database that knows those of every process. */
export async function startCallbacks(pool: Pool, environment: Record<string, string>): Promise<TestApi> {
  const all = [...definitions, telling];
  await registerDefinitions(pool, [...all, ...ownDefinitions]);
  return startApi(pool, { registry: createRegistry(all), config: testConfig(environment) });
}

let count = 0;
/** A submission of example.echo unlike any other. */
export function echo(more: Record<string, unknown> = {}) {
  count++;
  return { payload: { message: `message ${count}` }, ...more };
}
