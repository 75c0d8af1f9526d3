import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAuthenticate } from '../../../../api/auth/authenticate.ts';
import { parseConfig } from '../../../../config/load.ts';
import { byToken, makePair, sign, TRUST } from './keys.ts';

const pair = makePair();
const ON = { AUTH_ENABLED: 'true' };
const ENTRY = { id: 'ci', hash: 'ab'.repeat(32), namespaces: ['billing'], scopes: ['read'] };
const JWKS_URL = 'https://id.example.com/jwks.json';

function create(environment: Record<string, string>) {
  return createAuthenticate(parseConfig(environment));
}

function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8').trim();
}

test.each([
  ['in development', {}],
  ['in development, with keys', { JWT_PUBLIC_KEY: pair.pem }],
  ['in tests', { NODE_ENV: 'test' }],
  ['in production, when that is said', { NODE_ENV: 'production', AUTH_ENABLED: 'false' }],
])('off: %s', async (_when, environment) => {
  expect(await create(environment)).toBeNull();
});

test.each([
  ['in production', { NODE_ENV: 'production', API_KEYS: JSON.stringify([ENTRY]) }],
  ['in development, when that is said', { ...ON, API_KEYS: JSON.stringify([ENTRY]) }],
  ['with a key', { ...TRUST, JWT_PUBLIC_KEY: pair.pem }],
  ['with published keys, that are not fetched yet', { ...TRUST, JWKS_URL }],
])('on: %s', async (_when, environment) => {
  expect(await create(environment)).toBeTypeOf('function');
});

test.each([
  ['with its line breaks', (pem: string) => pem],
  ['with \\n for line breaks', (pem: string) => pem.replaceAll('\n', '\\n')],
  ['with line breaks of Windows', (pem: string) => pem.replaceAll('\n', '\r\n')],
  ['with text around it', (pem: string) => `the key of 2026:\n${pem}`],
  ['twice', (pem: string) => pem + pem],
])('a key is read %s', async (_how, written) => {
  const authenticate = await create({ ...TRUST, JWT_PUBLIC_KEY: written(pair.pem) });
  if (authenticate === null) throw new Error('Authentication is off');
  expect(await byToken(authenticate, await sign(pair.privateKey))).toMatchObject({ actor: 'user:alice' });
});

test('a key is read from a certificate, whose dates are those of TLS', async () => {
  const authenticate = await create({ ...TRUST, JWT_PUBLIC_KEY: fixture('expired_certificate.pem') });
  if (authenticate === null) throw new Error('Authentication is off');
  const token = fixture('certified_until_2100.jwt');
  expect(await byToken(authenticate, token)).toMatchObject({ actor: 'user:alice' });
});

/** Ends with the message of the start that was refused. It holds nothing of what was configured. */
async function refusalOf(environment: Record<string, string>): Promise<string> {
  const thrown = await create(environment).then(
    () => new Error('It was not refused'),
    (error: Error) => error,
  );
  const secrets = Object.entries(environment).filter(([name]) => /^(JWT_PUBLIC_KEY|API_KEYS)$/.test(name));
  for (const [, value] of secrets) {
    for (const word of value.match(/[A-Za-z0-9+/_-]{20,}/g) ?? []) expect(thrown.stack).not.toContain(word);
  }
  return thrown.message;
}

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2_048 });
const spki = (key: typeof pair.publicKey) => key.export({ type: 'spki', format: 'pem' }).toString();
const privatePem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const oldPrivatePem = pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

test.each([
  [
    'nothing to tell by, in production',
    { NODE_ENV: 'production' },
    /NODE_ENV is production.*JWT_PUBLIC_KEY or JWKS_URL, or API_KEYS.*AUTH_ENABLED=false/,
  ],
  [
    'nothing to tell by',
    ON,
    /AUTH_ENABLED is true.*JWT_PUBLIC_KEY or JWKS_URL, or API_KEYS.*AUTH_ENABLED=false/,
  ],
  [
    'two sources of keys',
    { ...TRUST, JWT_PUBLIC_KEY: pair.pem, JWKS_URL },
    /JWT_PUBLIC_KEY and JWKS_URL are both set/,
  ],
  [
    'a key without issuer and audience',
    { ...ON, JWT_PUBLIC_KEY: pair.pem },
    /^JWT_ISSUER and JWT_AUDIENCE must be set together with JWT_PUBLIC_KEY/,
  ],
  [
    'a URL without issuer',
    { ...ON, JWKS_URL, JWT_AUDIENCE: 'errand' },
    /^JWT_ISSUER must be set together with JWKS_URL/,
  ],
  [
    'a URL without audience, beside API keys',
    { ...ON, JWKS_URL, JWT_ISSUER: 'a', API_KEYS: JSON.stringify([ENTRY]) },
    /^JWT_AUDIENCE must be set/,
  ],
  [
    'a key that is cut off',
    { ...TRUST, JWT_PUBLIC_KEY: pair.pem.slice(0, 200) },
    /JWT_PUBLIC_KEY contains a PEM block whose END line does not match/,
  ],
  [
    'a second one that is cut off',
    { ...TRUST, JWT_PUBLIC_KEY: pair.pem + pair.pem.slice(0, 200) },
    /JWT_PUBLIC_KEY contains a PEM block whose END line does not match/,
  ],
  [
    'a key that lost a line',
    { ...TRUST, JWT_PUBLIC_KEY: pair.pem.replace(/\n.{64}/, '') },
    /JWT_PUBLIC_KEY cannot be read as PEM: keep its line breaks/,
  ],
  [
    'an elliptic curve',
    { ...TRUST, JWT_PUBLIC_KEY: spki(ec.publicKey) },
    /JWT_PUBLIC_KEY contains a key of the type ec: use an RSA key/,
  ],
  [
    'RSA for PSS only',
    { ...TRUST, JWT_PUBLIC_KEY: spki(pss.publicKey) },
    /JWT_PUBLIC_KEY contains a key of the type rsa-pss/,
  ],
  [
    'a short key as the second',
    { ...TRUST, JWT_PUBLIC_KEY: pair.pem + makePair(1_024).pem },
    /JWT_PUBLIC_KEY contains a key of 1024 bits \(key 2\): RS256 needs at least 2048/,
  ],
  [
    'a private key too',
    { ...TRUST, JWT_PUBLIC_KEY: pair.pem + privatePem },
    /JWT_PUBLIC_KEY contains a private key \(key 2\)/,
  ],
  [
    'an old private key too',
    { ...TRUST, JWT_PUBLIC_KEY: oldPrivatePem + pair.pem },
    /JWT_PUBLIC_KEY contains a private key \(key 1\)/,
  ],
  ['a URL that is none', { ...TRUST, JWKS_URL: 'https://[' }, /^JWKS_URL is not a URL/],
  [
    'a URL with a password',
    { ...TRUST, JWKS_URL: 'https://a:hunter2@b/' },
    /^JWKS_URL contains a user or a password/,
  ],
])('the start is refused: %s', async (_what, environment, message) => {
  expect(await refusalOf(environment)).toMatch(message);
});

test.each([
  ['no JSON', '[{"id":"ci","hash":"hunter2-hunter2-hunter2"]', ['it is not JSON']],
  ['no keys', '[]', ['it: Too small: expected array to have >=1 items']],
  ['an id in capitals', [{ ...ENTRY, id: 'CI' }], ['[0].id: must be text that matches /^[a-z0-9]']],
  ['an id that is missing', [{ ...ENTRY, id: undefined }], ['[0].id: ']],
  [
    'a key in the place of its hash',
    [{ ...ENTRY, hash: `errand_ci_${'x'.repeat(43)}` }],
    ['[0].hash: must be 64 hex digits, the SHA-256 of the complete key'],
  ],
  ['a short hash', [{ ...ENTRY, hash: 'ab'.repeat(31) }], ['[0].hash: must be 64 hex digits']],
  ['no namespaces', [{ ...ENTRY, namespaces: [] }], ['[0].namespaces: Too small']],
  [
    'a name in the place of a namespace',
    [{ ...ENTRY, namespaces: ['billing', 'billing.send'] }],
    ['[0].namespaces[1]: must be a namespace, or *'],
  ],
  [
    'an unknown scope',
    [{ ...ENTRY, scopes: ['admin'] }],
    ['[0].scopes[0]: Invalid option: expected one of "read"|"submit"|"operate"'],
  ],
  ['no scopes', [{ ...ENTRY, scopes: undefined }], ['[0].scopes: ']],
  [
    'a time that is none',
    [{ ...ENTRY, expires_at: 'tomorrow' }],
    ['[0].expires_at: must be a time like 2027-01-31T00:00:00Z'],
  ],
  ['a field too many', [{ ...ENTRY, expires: '2027-01-31T00:00:00Z' }], ['[0]: Unrecognized key: "expires"']],
  ['an id twice', [ENTRY, { ...ENTRY, scopes: ['submit'] }], ['the id ci occurs more than once']],
  [
    'much at once',
    [
      { ...ENTRY, id: '' },
      { ...ENTRY, hash: 7, scopes: ['all'] },
    ],
    ['[0].id: ', '[1].hash: ', '[1].scopes[0]: '],
  ],
])('API_KEYS are refused: %s', async (_what, keys, problems) => {
  const API_KEYS = typeof keys === 'string' ? keys : JSON.stringify(keys);
  const message = await refusalOf({ ...ON, API_KEYS });
  const [head, ...lines] = message.split('\n');
  expect(head).toMatch(/^API_KEYS is not valid. It must be like .*made by `npm run token -- --api-key`:$/);
  expect(lines).toEqual(problems.map((problem) => expect.stringContaining(`  ${problem}`)));
});
