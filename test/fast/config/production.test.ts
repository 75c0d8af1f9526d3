import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeVariables } from '../../../config/describe.ts';
import { parseConfig } from '../../../config/load.ts';
import { SAMPLE_SECRETS } from '../../../config/production.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PRODUCTION = { NODE_ENV: 'production' };
const WEBHOOK = 'whsec_cmVwbGFjZS10aGlzLXdpdGgtYS1zZWNyZXQh';
const OWN = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const SENDER = {
  name: 'shop',
  scheme: 'standard',
  secrets: [WEBHOOK],
  event: { pointer: '/type' },
  rules: [],
};

test.each([
  ['DATABASE_URL', 'postgres://user:password@db.example:5432/errand'],
  ['WEBHOOK_SECRETS', WEBHOOK],
  ['WEBHOOK_SECRETS', `${OWN},billing=${WEBHOOK}`],
  ['HTTP_SECRETS', '{"SHOP":{"value":"Bearer a-token","hosts":["api.shop.example.com"]}}'],
  ['GITEA_WEBHOOK_SECRET', 'a-secret-of-16-characters-or-more'],
  ['GITHUB_WEBHOOK_SECRET', `${'a'.repeat(20)}, a-secret-of-16-characters-or-more`],
  ['WEBHOOK_SOURCES', JSON.stringify([SENDER])],
  ['WEBHOOK_SOURCES', '[{"secrets":["replace-this-with-a-secret"]}]'],
])('in production %s=%s is refused as a sample, elsewhere it is fine', (name, value) => {
  expect(() => parseConfig({ ...PRODUCTION, [name]: value })).toThrow(
    new RegExp(
      `^The configuration is not valid:\\n  ${name}=.* is not accepted in production: .*sample secret.*openssl`,
    ),
  );
  expect(() => parseConfig({ ...PRODUCTION, [name]: value })).not.toThrow(/password@|cmVwbGFj/);
  expect(() => parseConfig({ [name]: value })).not.toThrow();
});

test('in production keys come by https:, or from this machine', () => {
  for (const url of [
    'http://id.example.com/jwks.json',
    'http://10.0.0.5/jwks.json',
    'http://localhost.evil.example/',
  ]) {
    expect(() => parseConfig({ ...PRODUCTION, JWKS_URL: url })).toThrow(
      /JWKS_URL=http.* is not accepted in production: .*use an https: URL/i,
    );
    expect(parseConfig({ JWKS_URL: url })).toMatchObject({ JWKS_URL: url });
  }
  for (const url of [
    'https://id.example.com/',
    'http://localhost:9/',
    'http://127.0.0.1/',
    'http://[::1]:9/',
  ]) {
    expect(parseConfig({ ...PRODUCTION, JWKS_URL: url })).toMatchObject({ JWKS_URL: url });
  }
});

test('secrets of one’s own, and variables that are not Errand’s, are nobody’s business', () => {
  const given = { ...PRODUCTION, WEBHOOK_SECRETS: OWN, OTHER: WEBHOOK };
  expect(parseConfig(given).WEBHOOK_SECRETS).toEqual([{ namespace: null, secret: OWN }]);
});

/** What looks like a secret in a document; `…` and `<…>` stand for one that is not there. */
const LOOKS_SECRET = [
  /\bwhsec_[A-Za-z0-9+/]{20,}={0,2}/g,
  /\b[A-Z_]*(?:SECRETS?|API_KEYS)=["']?(?![[{$<…"'])[^\s`…]+/g,
  /"secrets?": ?\[?"[^"…<]+"/g,
  /"value": ?"Bearer [^"]+"/g,
  /"hash": ?"[0-9a-f]{64}"/g,
  /postgres(?:ql)?:\/\/[^\s:@`]+:[^\s@`…]+@/g,
];

test('the list has every secret that stands in a document', () => {
  const documents = [
    '.env.example',
    ...globSync('*.md', { cwd: ROOT }),
    ...globSync('docs/**/*.md', { cwd: ROOT }),
  ];
  const found = documents.flatMap((name) => {
    const text = readFileSync(join(ROOT, name), 'utf8');
    return LOOKS_SECRET.flatMap((pattern) => text.match(pattern) ?? []).map((secret) => ({ name, secret }));
  });
  expect(found.filter(({ secret }) => !SAMPLE_SECRETS.some((sample) => secret.includes(sample)))).toEqual([]);
  const unseen = SAMPLE_SECRETS.filter((sample) => !found.some(({ secret }) => secret.includes(sample)));
  expect(unseen).toEqual([]);
});

test('the example of every secret variable is refused in production, or is no value at all', () => {
  for (const { name, example } of describeVariables().filter(({ isSecret }) => isSecret)) {
    if (/[…<]/.test(example ?? '')) continue;
    expect(() => parseConfig({ ...PRODUCTION, [name]: example })).toThrow(
      `${name}=*** is not accepted in production`,
    );
  }
});
