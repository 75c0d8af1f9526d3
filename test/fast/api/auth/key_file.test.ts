import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { createAuthenticate } from '../../../../api/auth/authenticate.ts';
import { parseConfig } from '../../../../config/load.ts';
import { removeScratch, scratchFolder } from '../../../support/checkout/scratch.ts';
import { until } from '../../../support/until.ts';
import { authenticator, byKey, byToken, claims, errorOf, makeKey, makePair, sign, TRUST } from './keys.ts';

// Keys that come and go, and tokens that are revoked, while the process runs.

const folder = scratchFolder(0o700);
const stopping = new AbortController();
afterAll(() => {
  stopping.abort();
  removeScratch(folder);
});
const ci = makeKey('ci');
const bot = makeKey('bot');
const pair = makePair();
let files = 0;

/** An API over a file with this content, and a way to put another in its place. */
async function withFile(content: unknown) {
  const path = join(folder, `keys-${++files}.json`);
  const write = (next: unknown): void => {
    writeFileSync(`${path}.new`, typeof next === 'string' ? next : JSON.stringify(next));
    renameSync(`${path}.new`, path);
  };
  write(content);
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const config = parseConfig({ ...TRUST, API_KEYS_FILE: path, JWT_PUBLIC_KEY: pair.pem });
  const authenticate = await createAuthenticate(config, { log, stopping: stopping.signal });
  if (authenticate === null) throw new Error('Authentication is off');
  return { authenticate, write, lines };
}

test('a key that is taken out of the file is refused, and one that is put in is let in, without a restart', async () => {
  const { authenticate, write, lines } = await withFile([ci.entry]);
  expect((await byKey(authenticate, ci.key))?.actor).toBe('key:ci');
  write({ keys: [bot.entry] });
  await until('the new key is let in', () => byKey(authenticate, bot.key).catch(() => null));
  expect((await errorOf(byKey(authenticate, ci.key))).code).toBe('UNAUTHORIZED');
  const told = { msg: 'API_KEYS_FILE was read again', added: ['bot'], removed: ['ci'], changed: [] };
  expect(lines).toMatchObject([told]);
  // Names alone.
  expect(JSON.stringify(lines)).not.toContain((bot.entry as { hash: string }).hash);
  write({ keys: [{ ...bot.entry, scopes: ['read'] }] });
  await until('its scopes are others', async () => (await byKey(authenticate, bot.key))?.scopes.size === 1);
  expect(lines.at(-1)).toMatchObject({ added: [], removed: [], changed: ['bot'] });
});

test('a file that can not be used is told of in words, and what was read before stays', async () => {
  const { authenticate, write, lines } = await withFile({ keys: [ci.entry] });
  write(`[{"id":"ci","hash":"hush`);
  await until('it is told of', async () => lines.length === 1);
  expect(lines[0]?.msg).toMatch(
    /^API_KEYS_FILE has changed but is unusable, so the last content stays in use: /,
  );
  expect(lines[0]?.msg).toMatch(/\n {2}it is not JSON$/);
  expect(JSON.stringify(lines)).not.toContain('hush');
  expect((await byKey(authenticate, ci.key))?.actor).toBe('key:ci');
});

test('tokens are revoked by their subject and by their id, also those that were let in before', async () => {
  const { authenticate, write } = await withFile({ keys: [] });
  const [alice, bob, session] = await Promise.all([
    sign(pair.privateKey, claims()),
    sign(pair.privateKey, claims({ sub: 'bob' })),
    sign(pair.privateKey, claims({ sub: 'bob', jti: 'lost-laptop' })),
  ]);
  for (const token of [alice, bob, session]) expect(await byToken(authenticate, token)).not.toBeNull();
  write({ revoked: { subjects: ['alice'], tokens: ['lost-laptop'] } });
  await until('one is refused', async () =>
    byToken(authenticate, alice).then(
      () => false,
      () => true,
    ),
  );
  expect((await errorOf(byToken(authenticate, alice))).message).toBe('The token was revoked');
  expect((await errorOf(byToken(authenticate, session))).code).toBe('UNAUTHORIZED');
  expect((await byToken(authenticate, bob))?.actor).toBe('user:bob');
});

test.each<[string, object, RegExp]>([
  ['is not there', {}, /API_KEYS_FILE cannot be read \(ENOENT\): \/nowhere\/keys.json/],
  ['is there beside API_KEYS', { API_KEYS: JSON.stringify([ci.entry]) }, /both set: set only one/],
])('a start with a file that %s is refused', async (_what, more, message) => {
  const environment = { AUTH_ENABLED: 'true', API_KEYS_FILE: '/nowhere/keys.json', ...more };
  await expect(authenticator(environment)).rejects.toThrow(message);
});
