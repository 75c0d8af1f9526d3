import { describe, expect, test } from 'vitest';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { startOwnApi } from '../app.ts';
import { as, authenticateByWords } from '../principals.ts';

// GET /v1/principal, by which a client knows what to offer (specification U7). What it answers changes no right.

const { pool } = await createDatabase();

describe('GET /v1/principal', () => {
  test('200: the caller, its scopes and its namespaces', async () => {
    const api = await startOwnApi(pool, { authenticate: authenticateByWords });
    const of = async (words: string) => (await api.call('GET', '/v1/principal', undefined, as(words))).body;
    expect(await of('ann of billing,shipping may read')).toEqual({
      ...{ actor: 'user:ann', scopes: ['read'], namespaces: ['billing', 'shipping'] },
      ...{ expires_at: null, authentication: true },
    });
    expect(await of('bob of * may submit')).toMatchObject({ scopes: ['submit'], namespaces: null });
  });

  test('200: everybody may do everything while authentication is off', async () => {
    const api = await startOwnApi(pool);
    expect((await api.call('GET', '/v1/principal')).body).toEqual({
      ...{ actor: 'anonymous', scopes: ['read', 'submit', 'operate'], namespaces: null },
      ...{ expires_at: null, authentication: false },
    });
  });

  test('200: where reads are open, a caller without credentials may read', async () => {
    const config = testConfig({ AUTH_READS: 'false' });
    const api = await startOwnApi(pool, { config, authenticate: authenticateByWords });
    expect((await api.call('GET', '/v1/principal')).body).toMatchObject({
      ...{ actor: 'anonymous', scopes: ['read'], authentication: true },
    });
    expect((await api.call('GET', '/v1/principal', undefined, as('nonsense'))).status).toBe(401);
  });

  test('401: without credentials', async () => {
    const api = await startOwnApi(pool, { authenticate: authenticateByWords });
    expect((await api.call('GET', '/v1/principal')).status).toBe(401);
  });
});
