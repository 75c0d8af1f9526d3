import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { counts } from '../ledger.ts';
import { giteaPush } from './webhook_bodies.ts';
import { giteaHeaders, SENDERS } from './webhook_senders.ts';

// What is signed as it must be, and can't be taken all the same: a 4xx, and nothing has changed.

const { pool } = await createDatabase();
const api = await startApi(pool, { config: testConfig(SENDERS) });
const GITEA = '/v1/webhooks/gitea';
const text = JSON.stringify(giteaPush);

async function expectRefused(send: () => ReturnType<typeof api.call>, status: number, code: string) {
  const before = await counts(pool);
  const answer = await send();
  expect([answer.status, answer.body?.code]).toEqual([status, code]);
  expect(await counts(pool)).toEqual(before);
  return answer;
}

const sendSigned = (body: string | Uint8Array, more: Record<string, string> = {}, path = GITEA) =>
  api.call('POST', path, body, { ...giteaHeaders(body), ...more });

test.each<[string, object, string[]]>([
  ['nothing', {}, ['/body/ref', '/body/after']],
  ['no commit', { ...giteaPush, after: undefined }, ['/body/after']],
  ['no repository', { ...giteaPush, repository: undefined }, ['/body/repository']],
  ['a repository of another kind', { ...giteaPush, repository: [] }, ['/body/repository']],
  [
    'a repository without a URL',
    { ...giteaPush, repository: {} },
    ['/body/repository/clone_url', '/body/repository/full_name'],
  ],
  ['a URL that is an option', at({ clone_url: '--upload-pack=id' }), ['/body/repository/clone_url']],
  ['a URL that runs something', at({ clone_url: 'ext::sh -c id' }), ['/body/repository/clone_url']],
  [
    'a URL with credentials',
    at({ clone_url: 'https://ann:secret@git.example.com/a' }),
    ['/body/repository/clone_url'],
  ],
  ['a branch that is none', { ...giteaPush, ref: 'refs/heads/--upload-pack=id' }, ['/body/ref']],
  ['a commit that is none', { ...giteaPush, after: 'HEAD' }, ['/body/after']],
  ['no object', [giteaPush], ['/body']],
])('a push with %s is 400, with where', async (_what, push, places) => {
  const answer = await expectRefused(() => sendSigned(JSON.stringify(push)), 400, 'VALIDATION_FAILED');
  const found = answer.body.details.map(({ path }: { path: string }) => path);
  expect([...new Set(found)]).toEqual(places);
});

function at(changed: object): object {
  return { ...giteaPush, repository: { ...giteaPush.repository, ...changed } };
}

describe('a delivery', () => {
  test.each(['X-Gitea-Delivery', 'X-Gitea-Event'])('without %s is 400', async (name) => {
    const headers = Object.fromEntries(Object.entries(giteaHeaders(text)).filter(([one]) => one !== name));
    const answer = await expectRefused(
      () => api.call('POST', GITEA, text, headers),
      400,
      'VALIDATION_FAILED',
    );
    expect(answer.body.details).toEqual([
      { path: `/headers/${name.toLowerCase()}`, message: expect.any(String) },
    ]);
  });

  test.each(['', 'a b', 'x'.repeat(201), 'ä'])('with the id %j is 400', async (id) => {
    await expectRefused(() => sendSigned(text, { 'X-Gitea-Delivery': id }), 400, 'VALIDATION_FAILED');
  });
});

describe('a body', () => {
  test('that is too large is 413', async () => {
    const large = JSON.stringify({ ...giteaPush, padding: 'x'.repeat(25 * 1024 * 1024) });
    await expectRefused(() => sendSigned(large), 413, 'PAYLOAD_TOO_LARGE');
  });

  test('of another type is 415, a form too', async () => {
    const form = `payload=${encodeURIComponent(text)}`;
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    await expectRefused(() => sendSigned(form, type), 415, 'UNSUPPORTED_MEDIA_TYPE');
  });

  test('that is compressed is 415, signed as it is or as it was', async () => {
    const small = gzipSync(text);
    for (const signed of [small, text]) {
      const headers = { ...giteaHeaders(signed), 'content-encoding': 'gzip' };
      await expectRefused(() => api.call('POST', GITEA, small, headers), 415, 'UNSUPPORTED_MEDIA_TYPE');
    }
  });

  test.each<[string, string | Uint8Array, string]>([
    ['no JSON', '{', 'BAD_REQUEST'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'BAD_REQUEST'],
    ['NUL in what is stored', text.replace('Count', 'Co\\u0000unt'), 'VALIDATION_FAILED'],
    ['a lone surrogate in what is stored', text.replace('Count', '\\ud800'), 'VALIDATION_FAILED'],
    ['too much depth', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`, 'VALIDATION_FAILED'],
    ['endless depth', '['.repeat(200_000), 'BAD_REQUEST'],
  ])('with %s is 400', async (_what, body, code) => {
    await expectRefused(() => sendSigned(body), 400, code);
  });

  test('that is empty is 400', async () => {
    const answer = await api.call('POST', GITEA, '', giteaHeaders(''));
    expect(answer.status).toBe(400);
  });
});

describe('a path', () => {
  test('of no sender is 404, signed or not', async () => {
    for (const name of ['gitlab', 'nothing', '__proto__', 'constructor']) {
      const answer = await expectRefused(
        () => sendSigned(text, {}, `/v1/webhooks/${name}`),
        404,
        'NOT_FOUND',
      );
      expect(answer.body.error).toContain(JSON.stringify(name));
    }
  });

  test('in other letters or with a slash behind needs the same signature', async () => {
    for (const path of [
      '/v1/webhooks/GITEA',
      '/v1/webhooks/gitea/',
      '/V1/Webhooks/Gitea',
      '/v1/webhooks/%67itea',
    ]) {
      const { status } = await api.call('POST', path, text, giteaHeaders(text, { secret: 'x'.repeat(20) }));
      expect([path, status]).toEqual([path, 401]);
    }
  });
});

test('webhooks have a rate limit of their own, before their signature is looked at', async () => {
  const limited = await startApi(pool, { config: testConfig({ ...SENDERS, RATE_LIMIT_WEBHOOKS: '2' }) });
  const send = () => limited.call('POST', GITEA, text, giteaHeaders(text, { secret: 'x'.repeat(20) }));
  expect([(await send()).status, (await send()).status]).toEqual([401, 401]);
  const answer = await expectRefused(send, 429, 'RATE_LIMITED');
  expect(answer.headers.get('ratelimit')).toMatch(/^"webhooks-per-minute"/);
  expect((await limited.call('GET', '/v1/tasks')).status).toBe(200);
});
