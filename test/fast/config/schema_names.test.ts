import { describe, expect, test } from 'vitest';
import { parseConfig, schemasFor } from '../../../config/load.ts';

const schemas = (environment: Record<string, string>) => schemasFor(parseConfig(environment));

describe('the schemas', () => {
  test('are errand and errand_worker, or those that the settings name', () => {
    expect(schemas({})).toEqual({ errand: 'errand', worker: 'errand_worker' });
    expect(schemas({ ERRAND_SCHEMA: 'billing' })).toEqual({ errand: 'billing', worker: 'billing_worker' });
    expect(schemas({ ERRAND_SCHEMA: '_b1', ERRAND_WORKER_SCHEMA: 'user' })).toEqual({
      errand: '_b1',
      worker: 'user',
    });
    // graphile-worker has no say in it.
    expect(schemas({ GRAPHILE_WORKER_SCHEMA: 'other' }).worker).toBe('errand_worker');
  });

  test.each([
    ...['public', 'information_schema', 'pg_catalog', 'pg_x', 'graphile_worker', 'graphile'],
    ...['Billing', 'a b', 'a-b', '1a', 'ä', 'a"b', "a'b", 'x'.repeat(51)],
  ])('are not called %j', (name) => {
    expect(() => schemas({ ERRAND_SCHEMA: name })).toThrow(`ERRAND_SCHEMA=${name} is not accepted`);
    expect(() => schemas({ ERRAND_WORKER_SCHEMA: name })).toThrow('ERRAND_WORKER_SCHEMA=');
  });

  test('are two', () => {
    const same = { ERRAND_SCHEMA: 'billing', ERRAND_WORKER_SCHEMA: 'billing' };
    expect(() => schemas(same)).toThrow('ERRAND_WORKER_SCHEMA=billing is not accepted');
    expect(() => schemas({ ERRAND_WORKER_SCHEMA: 'errand' })).toThrow('It must differ from ERRAND_SCHEMA');
  });
});
