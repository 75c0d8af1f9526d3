import { createHmac, generateKeyPairSync } from 'node:crypto';
import { CompactSign, exportJWK, type JWTPayload } from 'jose';
import { expect, test, vi } from 'vitest';
import { authenticator, byToken, claims, errorOf, forge, inSeconds, makePair, sign, TRUST } from './keys.ts';

const pair = makePair();
const stranger = makePair();
const authenticate = await authenticator({ ...TRUST, JWT_PUBLIC_KEY: pair.pem });

/** The token is refused with this message, in body and header; neither has any of the token in it. */
async function expectRefused(token: string, message: RegExp): Promise<void> {
  const error = await errorOf(byToken(authenticate, token));
  expect([error.code, error.message]).toEqual(['UNAUTHORIZED', expect.stringMatching(message)]);
  expect(error.headers).toEqual({
    'WWW-Authenticate': `Bearer error="invalid_token", error_description="${error.message}"`,
  });
  // What RFC 6750 allows in an error_description.
  expect(error.message).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
  for (const part of token.split('.').filter((one) => one.length > 8)) {
    expect(error.message).not.toContain(part);
  }
}

test('a token that holds gives who it is, for which namespaces and what', async () => {
  expect(await byToken(authenticate, await sign(pair.privateKey))).toEqual({
    actor: 'user:alice',
    namespaces: ['billing'],
    scopes: new Set(['read']),
    endsAtMs: expect.any(Number),
  });
});

test.each([
  ['two namespaces', ['billing', 'shipping'], ['billing', 'shipping']],
  ['one twice', ['billing', 'billing'], ['billing']],
  ['none', [], []],
  ['no such claim', undefined, []],
  ['all', ['*'], null],
  ['all, as text', '*', null],
  ['all beside one', ['billing', '*'], null],
  ["those of Errand's own tasks", ['errand', 'webhook', 'shipping'], ['shipping']],
  ['what can be no namespace', ['Billing', 'bil*', '', 'a.b', 'a\u0000b', 'shipping'], ['shipping']],
])('worker_namespaces: %s', async (_what, given, namespaces) => {
  const token = await sign(pair.privateKey, claims({ worker_namespaces: given }));
  expect(await byToken(authenticate, token)).toMatchObject({ namespaces });
});

test.each([
  ['all of them', 'read submit operate', ['read', 'submit', 'operate']],
  ['others are ignored', 'openid read admin READ read-all', ['read']],
  ['blanks', '  submit   read ', ['read', 'submit']],
  ['nothing', '', []],
  ['no such claim', undefined, []],
  ['a list with commas is one unknown word', 'read,submit', []],
])('scope: %s', async (_what, scope, scopes) => {
  const principal = await byToken(authenticate, await sign(pair.privateKey, claims({ scope })));
  expect(principal?.scopes).toEqual(new Set(scopes));
});

test.each([
  ['aud is one of several', { aud: ['other', 'errand'] }, {}],
  ['at+jwt', {}, { typ: 'at+jwt' }],
  ['application/at+jwt', {}, { typ: 'application/at+JWT' }],
  ['no typ', {}, { typ: undefined }],
  ['nbf in the past', { nbf: inSeconds(-60) }, {}],
  ['a clock that is behind', { nbf: inSeconds(4), iat: inSeconds(4) }, {}],
  ['a kid that means nothing here', {}, { kid: '../../etc/passwd' }],
])('fine: %s', async (_what, changed, header) => {
  const token = await sign(pair.privateKey, claims(changed), header as Record<string, string>);
  expect(await byToken(authenticate, token)).toMatchObject({ actor: 'user:alice' });
});

test('the name of the scheme and blanks around the token do not matter', async () => {
  const token = await sign(pair.privateKey);
  for (const authorization of [`bearer ${token}`, `BEARER  ${token} `]) {
    expect(await authenticate({ authorization, apiKey: undefined })).toMatchObject({ actor: 'user:alice' });
  }
});

test.each([
  ['expired', { exp: inSeconds(-60) }, /has expired/],
  ['no exp', { exp: undefined }, /no expiry time/],
  ['exp is text', { exp: '9999999999' }, /no expiry time/],
  ['nbf in the future', { nbf: inSeconds(60) }, /not valid yet/],
  ['another issuer', { iss: 'https://id.example.com' }, /issuer that this API does not trust/],
  ['no issuer', { iss: undefined }, /issuer that this API does not trust/],
  ['another audience', { aud: 'errands' }, /another audience/],
  ['other audiences', { aud: ['a', 'b'] }, /another audience/],
  ['no audience', { aud: undefined }, /another audience/],
  ['no sub', { sub: undefined }, /no valid subject/],
  ['an empty sub', { sub: '' }, /no valid subject/],
  ['a long sub', { sub: 'a'.repeat(201) }, /no valid subject/],
  ['a NUL in sub', { sub: 'alice\u0000' }, /no valid subject/],
  ['a line break in sub', { sub: 'alice\nuser:bob' }, /no valid subject/],
  ['half a character in sub', { sub: 'alice\ud800' }, /no valid subject/],
  ['a sub that is no text', { sub: 7 }, /no valid subject/],
  ['one namespace as text', { worker_namespaces: 'billing' }, /worker_namespaces/],
  ['namespaces that are no texts', { worker_namespaces: [1] }, /worker_namespaces/],
  ['scopes as a list', { scope: ['read'] }, /scope/],
])('refused: %s', async (_what, changed, message) => {
  await expectRefused(await sign(pair.privateKey, claims(changed as JWTPayload)), message);
});

test('a number that is beyond all numbers is no time', async () => {
  const payload = Buffer.from(JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e999'));
  const token = await new CompactSign(payload).setProtectedHeader({ alg: 'RS256' }).sign(pair.privateKey);
  await expectRefused(token, /no expiry time/);
});

test('the algorithm is RS256, whatever the token says', async () => {
  for (const alg of ['none', 'None', 'NONE', '', 'RS1', 'rs256', undefined, ['RS256'], null]) {
    await expectRefused(forge({ alg, typ: 'JWT' }, claims()), /must be signed with RS256/);
  }
  for (const alg of ['RS384', 'RS512', 'PS256', 'PS512']) {
    await expectRefused(await sign(pair.privateKey, claims(), { alg }), /must be signed with RS256/);
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await expectRefused(await sign(privateKey, claims(), { alg: 'ES256' }), /must be signed with RS256/);
});

test('the public key is no secret to sign with', async () => {
  const secrets = [
    pair.pem,
    pair.pem.trim(),
    pair.publicKey.export({ type: 'spki', format: 'der' }),
    pair.publicKey.export({ type: 'pkcs1', format: 'pem' }),
  ];
  for (const secret of secrets) {
    await expectRefused(await sign(Buffer.from(secret), claims(), { alg: 'HS256' }), /signed with RS256/);
    // The same under the name of the algorithm that is asked for.
    const unsigned = forge({ alg: 'RS256' }, claims()).slice(0, -1);
    const signature = createHmac('sha256', secret).update(unsigned).digest('base64url');
    await expectRefused(`${unsigned}.${signature}`, /not signed with a key that this API trusts/);
  }
});

test('a token of another key is refused, also when its header brings that key or says where it is', async () => {
  const jwk = await exportJWK(stranger.publicKey);
  for (const header of [
    {},
    { jwk },
    { jku: 'https://evil.example.com/jwks.json', kid: '1' },
    { x5u: 'https://evil.example.com/cert.pem' },
    { x5c: [stranger.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] },
    { kid: "1' or '1'='1" },
    { kid: '' },
  ]) {
    const token = await sign(stranger.privateKey, claims(), header);
    await expectRefused(token, /not signed with a key that this API trusts/);
  }
});

test('nothing is told of the claims of a token whose signature does not hold', async () => {
  const expired = claims({ exp: inSeconds(-60), aud: 'other' });
  await expectRefused(await sign(stranger.privateKey, expired), /not signed with a key that this API trusts/);
});

test('a token that was changed, or lost its signature, is refused', async () => {
  const [header, , signature] = (await sign(pair.privateKey)).split('.');
  const [, more] = forge({}, claims({ scope: 'operate', worker_namespaces: ['*'] })).split('.');
  await expectRefused(`${header}.${more}.${signature}`, /not signed with a key/);
  await expectRefused(`${header}.${more}.`, /not signed with a key/);
  await expectRefused(`${header}.${more}`, /not a signed JWT/);
});

test.each([
  ['a word', 'garbage'],
  ['dots', '...'],
  ['three words', 'a.b.c'],
  ['no JSON', `${Buffer.from('no').toString('base64url')}.e30.AAAA`],
  ['JSON, but no object', forge([], {}, 'AAAA')],
  ['null', forge(null, {}, 'AAAA')],
  ['encrypted', `${forge({ alg: 'RSA-OAEP', enc: 'A256GCM' }, {})}.a.b`],
  ['no base64', `${forge({ alg: 'RS256' }, {}, '%%%')}`],
  ['a kid that is an object', forge({ alg: 'RS256', kid: {} }, {}, 'AAAA')],
])('refused: %s', async (_what, token) => {
  await expectRefused(token, /not a signed JWT|must be signed with RS256/);
});

test('an extension that has to be understood is not, and a payload must be encoded', async () => {
  await expectRefused(forge({ alg: 'RS256', crit: ['exp'], exp: 1 }, claims(), 'AAAA'), /not a signed JWT/);
  await expectRefused(forge({ alg: 'RS256', crit: ['b64'], b64: false }, claims(), 'AAAA'), /token/);
  await expectRefused(
    await sign(pair.privateKey, claims(), { typ: 'logout+jwt' }),
    /type of the token must be/,
  );
});

test('what is not Bearer and one token is refused', async () => {
  const token = await sign(pair.privateKey);
  for (const authorization of ['', 'Bearer', 'Bearer ', token, `Basic ${token}`, `Bearer ${token} x`]) {
    const error = await errorOf(authenticate({ authorization, apiKey: undefined }));
    expect([error.code, error.message]).toEqual([
      'UNAUTHORIZED',
      'Authorization must have the form: Bearer <token>',
    ]);
  }
});

test('a token of more than 8 KB is refused, though it would hold', async () => {
  await expectRefused(await sign(pair.privateKey, claims({ more: 'x'.repeat(8_000) })), /longer than 8192/);
  await expectRefused('x'.repeat(10_240), /longer than 8192/);
  const fits = await sign(pair.privateKey, claims({ more: 'x'.repeat(4_000) }));
  expect(await byToken(authenticate, fits)).toMatchObject({ actor: 'user:alice' });
});

test('a token that was just fine is refused once it has expired', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const token = await sign(pair.privateKey, claims({ exp: inSeconds(20) }));
    expect(await byToken(authenticate, token)).toMatchObject({ actor: 'user:alice' });
    vi.advanceTimersByTime(19_000);
    expect(await byToken(authenticate, token)).toMatchObject({ actor: 'user:alice' });
    vi.advanceTimersByTime(7_000);
    await expectRefused(token, /has expired/);
  } finally {
    vi.useRealTimers();
  }
});

test('thousands of different tokens are each told by what they say', async () => {
  const tokens = await Promise.all(
    Array.from({ length: 1_100 }, (_, index) => sign(pair.privateKey, claims({ sub: `user-${index}` }))),
  );
  for (const round of [1, 2]) {
    const principals = await Promise.all(tokens.map((token) => byToken(authenticate, token)));
    const actors = principals.map((principal) => principal?.actor);
    expect([round, actors]).toEqual([round, tokens.map((_, index) => `user:user-${index}`)]);
  }
});

test('several keys are all good, so that they can change', async () => {
  const next = makePair();
  const both = await authenticator({ ...TRUST, JWT_PUBLIC_KEY: `${pair.pem}${next.pem}` });
  for (const { privateKey } of [pair, next]) {
    expect(await byToken(both, await sign(privateKey))).toMatchObject({ actor: 'user:alice' });
  }
  const error = await errorOf(byToken(both, await sign(stranger.privateKey)));
  expect(error.message).toMatch(/not signed with a key/);
});
