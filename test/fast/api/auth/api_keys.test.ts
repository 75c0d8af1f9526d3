import { afterEach, expect, test, vi } from 'vitest';
import type { Authenticate } from '../../../../api/auth/principal.ts';
import { authenticator, byKey, errorOf, makeKey, makePair, sign, TRUST } from './keys.ts';

afterEach(() => vi.useRealTimers());

const ci = makeKey('ci');
const all = makeKey('all_of-it', { namespaces: ['*'], scopes: ['operate'] });
const authenticate = await withKeys([ci.entry, all.entry]);

function withKeys(entries: object[]): Promise<Authenticate> {
  return authenticator({ AUTH_ENABLED: 'true', API_KEYS: JSON.stringify(entries) });
}

async function expectRefused(key: string, by = authenticate): Promise<void> {
  const error = await errorOf(byKey(by, key));
  const message = 'The API key is unknown or no longer valid';
  expect([error.code, error.message]).toEqual(['UNAUTHORIZED', message]);
  expect(error.headers['WWW-Authenticate']).toMatch(/^Bearer error="invalid_token"/);
}

test('a key gives who it is, for which namespaces and what', async () => {
  expect(await byKey(authenticate, ci.key)).toEqual({
    actor: 'key:ci',
    credential: expect.any(String),
    namespaces: ['billing'],
    scopes: new Set(['read', 'submit']),
  });
  expect(await byKey(authenticate, all.key)).toEqual({
    actor: 'key:all_of-it',
    credential: expect.any(String),
    namespaces: null,
    scopes: new Set(['operate']),
  });
});

test('whatever is wrong with a key, the refusal is the same', async () => {
  const secret = ci.key.slice('errand_ci_'.length);
  for (const key of [
    '',
    'errand_',
    'garbage',
    ci.key.slice(0, -1),
    `${ci.key}A`,
    ` ${ci.key}`,
    ci.key.toUpperCase(),
    ci.key.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    secret,
    `errand_nobody_${secret}`,
    `errand_all_of-it_${secret}`,
    `errand___proto___${secret}`,
    `errand_constructor_${secret}`,
    `errand_ci_${Buffer.alloc(32).toString('base64url')}`,
    // What is in the configuration lets nobody in.
    (ci.entry as { hash: string }).hash,
    `errand_ci_${(ci.entry as { hash: string }).hash}`,
    `${ci.key}, ${ci.key}`,
    'x'.repeat(10_240),
  ]) {
    await expectRefused(key);
  }
});

test('an id that is unknown is not let in by a hash of zeros, nor is one that is known', async () => {
  const zeros = await withKeys([{ ...ci.entry, hash: '0'.repeat(64) }]);
  await expectRefused(ci.key, zeros);
  await expectRefused(all.key, zeros);
});

test('a key holds until it expires', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2027-01-31T22:59:59Z') });
  const { key, entry } = makeKey('short', { expires_at: '2027-02-01T00:00:00+01:00' });
  const expiring = await withKeys([entry]);
  expect(await byKey(expiring, key)).toMatchObject({ actor: 'key:short' });
  vi.advanceTimersByTime(1_000);
  await expectRefused(key, expiring);
});

test('a hash may be written in capitals', async () => {
  const { key, entry } = makeKey('caps');
  const hash = (entry as { hash: string }).hash.toUpperCase();
  expect(await byKey(await withKeys([{ ...entry, hash }]), key)).toMatchObject({ actor: 'key:caps' });
});

test('credentials in the wrong header are told where they belong, and both at once are refused', async () => {
  const pair = makePair();
  const both = await authenticator({
    ...TRUST,
    JWT_PUBLIC_KEY: pair.pem,
    API_KEYS: JSON.stringify([ci.entry]),
  });
  const tokens = await authenticator({ ...TRUST, JWT_PUBLIC_KEY: pair.pem });
  const bearer = `Bearer ${await sign(pair.privateKey)}`;
  expect(await both({ authorization: bearer, apiKey: undefined })).toMatchObject({ actor: 'user:alice' });
  expect(await byKey(both, ci.key)).toMatchObject({ actor: 'key:ci' });
  const refusals = [
    [both, bearer, ci.key, 'Send Authorization or X-API-Key, not both'],
    [both, bearer, '', 'Send Authorization or X-API-Key, not both'],
    [both, `Bearer ${ci.key}`, undefined, 'Send an API key in the header X-API-Key'],
    [authenticate, bearer, undefined, 'This API does not accept tokens: send an API key in X-API-Key'],
    [tokens, undefined, ci.key, 'This API does not accept API keys: send a token in Authorization'],
  ] as const;
  for (const [by, authorization, apiKey, message] of refusals) {
    const error = await errorOf(by({ authorization, apiKey }));
    expect([error.code, error.message]).toEqual(['UNAUTHORIZED', message]);
  }
});

test('without credentials nobody is told, and nothing is refused', async () => {
  expect(await authenticate({ authorization: undefined, apiKey: undefined })).toBeNull();
});
