import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type JWK } from 'jose';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type { Authenticate } from '../../../../api/auth/principal.ts';
import { authenticator, byToken, claims, errorOf, makePair, type Pair, sign, TRUST } from './keys.ts';

const [first, second, stranger, short] = [makePair(), makePair(), makePair(), makePair(1_024)];
const UNKNOWN = 'The token is not signed with a key that this API trusts';

/** An identity provider: what it publishes can change, and it counts how often it is asked. */
type Provider = {
  authenticate: Authenticate;
  publish(keys: unknown): void;
  asked(): number;
  stop(): Promise<void>;
};

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => vi.useRealTimers());

async function startProvider(
  keys: unknown,
  answer = (response: ServerResponse, body: string): unknown => response.end(body),
): Promise<Provider> {
  let published = keys;
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    answer(response, JSON.stringify({ keys: published }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(stop);
  const { port } = server.address() as AddressInfo;
  return {
    authenticate: await authenticator({ ...TRUST, JWKS_URL: `http://127.0.0.1:${port}/jwks.json` }),
    publish: (next) => {
      published = next;
    },
    asked: () => asked,
    stop,
  };
}

async function jwk({ publicKey }: Pair, more: JWK = { kty: 'RSA' }): Promise<JWK> {
  return { ...(await exportJWK(publicKey)), alg: 'RS256', use: 'sig', ...more };
}

function signed(pair: Pair, kid?: string, sub = 'alice'): Promise<string> {
  return sign(pair.privateKey, claims({ sub }), kid === undefined ? {} : { kid });
}

const minutes = (count: number) => vi.advanceTimersByTime(count * 60_000);

test('keys are fetched when they are first needed, and once for many tokens', async () => {
  const provider = await startProvider([await jwk(first, { kty: 'RSA', kid: '1' })]);
  expect(provider.asked()).toBe(0);
  const tokens = await Promise.all(
    Array.from({ length: 20 }, (_, index) => signed(first, '1', `user-${index}`)),
  );
  const principals = await Promise.all(tokens.map((token) => byToken(provider.authenticate, token)));
  expect(principals.map((one) => one?.actor)).toEqual(tokens.map((_, index) => `user:user-${index}`));
  expect(provider.asked()).toBe(1);
});

test('a key that appears is found by its kid; the old one holds beside it', async () => {
  const [one, two] = [
    await jwk(first, { kty: 'RSA', kid: '1' }),
    await jwk(second, { kty: 'RSA', kid: '2' }),
  ];
  const provider = await startProvider([one]);
  await byToken(provider.authenticate, await signed(first, '1'));
  provider.publish([one, two]);
  minutes(0.2);
  expect(await byToken(provider.authenticate, await signed(second, '2'))).toMatchObject({
    actor: 'user:alice',
  });
  expect(await byToken(provider.authenticate, await signed(first, '1'))).toMatchObject({
    actor: 'user:alice',
  });
  expect(provider.asked()).toBe(2);
});

test('a key that is withdrawn holds no longer, for tokens that were fine before neither', async () => {
  const one = await jwk(first, { kty: 'RSA', kid: '1' });
  const provider = await startProvider([one, await jwk(second, { kty: 'RSA', kid: '2' })]);
  const token = await sign(second.privateKey, claims({ exp: Math.floor(Date.now() / 1_000) + 3_600 }), {
    kid: '2',
  });
  expect(await byToken(provider.authenticate, token)).toMatchObject({ actor: 'user:alice' });
  provider.publish([one]);
  minutes(11);
  const error = await errorOf(byToken(provider.authenticate, token));
  expect([error.code, error.message]).toEqual(['UNAUTHORIZED', UNKNOWN]);
});

test('invented kids do not have the keys fetched each time', async () => {
  const provider = await startProvider([await jwk(first, { kty: 'RSA', kid: '1' })]);
  for (let index = 0; index < 20; index++) {
    const error = await errorOf(byToken(provider.authenticate, await signed(stranger, `kid-${index}`)));
    expect([error.code, error.message]).toEqual(['UNAUTHORIZED', UNKNOWN]);
  }
  expect(provider.asked()).toBe(1);
});

test('a token of a stranger is refused under a kid that is published', async () => {
  const provider = await startProvider([await jwk(first, { kty: 'RSA', kid: '1' })]);
  const error = await errorOf(byToken(provider.authenticate, await signed(stranger, '1')));
  expect([error.code, error.message]).toEqual(['UNAUTHORIZED', UNKNOWN]);
});

test('what is no RS256 token is refused without asking for keys', async () => {
  const provider = await startProvider([]);
  const hmac = await sign(Buffer.from(first.pem), claims(), { alg: 'HS256' });
  for (const token of ['garbage', hmac, 'x'.repeat(10_240)]) {
    expect((await errorOf(byToken(provider.authenticate, token))).code).toBe('UNAUTHORIZED');
  }
  expect(provider.asked()).toBe(0);
});

test('without a kid, each of several keys is tried', async () => {
  const provider = await startProvider([await jwk(first), await jwk(second)]);
  for (const pair of [first, second]) {
    expect(await byToken(provider.authenticate, await signed(pair))).toMatchObject({ actor: 'user:alice' });
  }
  expect((await errorOf(byToken(provider.authenticate, await signed(stranger)))).message).toBe(UNKNOWN);
});

test('keys for another use, for another algorithm, or too short ones are none', async () => {
  const provider = await startProvider([
    await jwk(first, { kty: 'RSA', kid: 'encryption', use: 'enc' }),
    await jwk(first, { kty: 'RSA', kid: 'other', alg: 'RS512' }),
    await jwk(short, { kty: 'RSA', kid: 'short' }),
  ]);
  for (const kid of ['encryption', 'other']) {
    expect((await errorOf(byToken(provider.authenticate, await signed(first, kid)))).message).toBe(UNKNOWN);
  }
  const [header, payload] = (await signed(first, 'short')).split('.');
  const token = `${header}.${payload}.${Buffer.alloc(128, 1).toString('base64url')}`;
  expect((await errorOf(byToken(provider.authenticate, token))).message).toBe(UNKNOWN);
});

test('when the provider dies, known keys hold for ten minutes; then it is a 503, until it is back', async () => {
  const provider = await startProvider([await jwk(first, { kty: 'RSA', kid: '1' })]);
  const hour = { exp: Math.floor(Date.now() / 1_000) + 3_600 };
  const token = await sign(first.privateKey, claims(hour), { kid: '1' });
  await byToken(provider.authenticate, token);
  await provider.stop();
  minutes(9);
  expect(await byToken(provider.authenticate, token)).toMatchObject({ actor: 'user:alice' });
  minutes(2);
  const error = await errorOf(byToken(provider.authenticate, token));
  expect([error.code, error.headers]).toEqual(['SERVICE_UNAVAILABLE', { 'Retry-After': '5' }]);
  expect(error.message).not.toMatch(/127\.0\.0\.1|ECONNREFUSED/);
});

test.each<[string, (response: ServerResponse) => unknown]>([
  ['an error', (response) => response.writeHead(500).end('no')],
  ['another place', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
  ['no JSON', (response) => response.end('<html>')],
  ['no keys', (response) => response.end('{"keys":1}')],
  ['half of it', (response) => response.writeHead(200, { 'content-length': '100' }).destroy()],
])('a provider that answers with %s: 503, and all is well when it recovers', async (_what, bad) => {
  let isBad = true;
  const answer = (response: ServerResponse, body: string) => (isBad ? bad(response) : response.end(body));
  const provider = await startProvider([await jwk(first, { kty: 'RSA', kid: '1' })], answer);
  const token = await signed(first, '1');
  const error = await errorOf(byToken(provider.authenticate, token));
  expect([error.code, error.headers]).toEqual(['SERVICE_UNAVAILABLE', { 'Retry-After': '5' }]);
  isBad = false;
  expect(await byToken(provider.authenticate, token)).toMatchObject({ actor: 'user:alice' });
});

test('a provider that does not answer is not waited for any longer than a few seconds', async () => {
  const provider = await startProvider([], () => undefined);
  const error = await errorOf(byToken(provider.authenticate, await signed(first, '1')));
  expect(error.code).toBe('SERVICE_UNAVAILABLE');
});
