import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { getTask } from '../../../../store/tasks/tasks.ts';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { counts } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';
import { raw } from '../raw.ts';
import { COMMIT, giteaPush, githubPush, NO_COMMIT } from './webhook_bodies.ts';
import { giteaHeaders, githubHeaders, hmac, SECRETS, SENDERS } from './webhook_senders.ts';

// Specification L4, with the headers and bodies of both senders, against an API that wants to know who calls.

const { pool } = await createDatabase();
const api = await startApi(pool, { authenticate: authenticateByWords, config: testConfig(SENDERS) });

const GITEA = '/v1/webhooks/gitea';
const GITHUB = '/v1/webhooks/github';
const text = JSON.stringify(giteaPush);
let pushes = 0;
/** A push that nobody has sent yet. */
const newPush = (): string => JSON.stringify({ ...giteaPush, number: ++pushes });
/** What became of it: whoever signs is told its id and its state alone. */
const built = (answer: Awaited<ReturnType<typeof api.call>>) => getTask(pool, answer.body.task.id);

/** Sends it, and asserts that it is refused and nothing has changed. */
async function expectRefused(
  status: number,
  code: string,
  send: () => ReturnType<typeof api.call>,
): ReturnType<typeof api.call> {
  const before = await counts(pool);
  const answer = await send();
  expect([answer.status, answer.body?.code]).toEqual([status, code]);
  expect(answer.body).toMatchObject({ error: expect.any(String), request_id: expect.any(String) });
  expect(await counts(pool)).toEqual(before);
  return answer;
}

describe('a push becomes a build', () => {
  test('of Gitea', async () => {
    const delivery = randomUUID();
    const body = newPush();
    const answer = await api.call('POST', GITEA, body, giteaHeaders(body, { delivery }));
    expect([answer.status, answer.headers.get('location')]).toEqual([
      201,
      `/v1/tasks/${answer.body.task.id}`,
    ]);
    expect(answer.body).toMatchObject({ created: true, task: { state: 'queued' } });
    expect(Object.keys(answer.body.task)).toEqual(['id', 'state']);
    expect(await built(answer)).toMatchObject({
      name: 'ci.build',
      state: 'queued',
      initiator: 'webhook:gitea',
      submitted_by: 'webhook:gitea',
      source_system: 'gitea',
      reason: `Delivery ${delivery}`,
      dedup: 'key',
      dedup_key: `gitea:sha256:${createHash('sha256').update(body).digest('hex')}`,
      payload: {
        repository: 'http://git.example.com/team/app.git',
        repository_name: 'team/app',
        branch: 'develop',
        commit: COMMIT,
        author: 'Ann Example',
        message: 'Count words once\n\nThey were counted twice.',
      },
    });
  });

  test('of GitHub', async () => {
    const body = JSON.stringify(githubPush);
    const delivery = randomUUID();
    const answer = await api.call('POST', GITHUB, body, githubHeaders(body, { delivery }));
    expect(answer.status).toBe(201);
    expect(await built(answer)).toMatchObject({
      initiator: 'webhook:github',
      reason: `Delivery ${delivery}`,
      payload: {
        repository: 'https://github.com/Codertocat/Hello-World.git',
        repository_name: 'Codertocat/Hello-World',
        branch: 'feature/words',
        commit: COMMIT,
        author: 'Mona',
        message: 'Add words',
      },
    });
  });

  test('whose author and message the event does not tell, or at length', async () => {
    const unusual = [
      { ...giteaPush, commits: [], head_commit: null },
      { ...giteaPush, commits: null, head_commit: { author: { name: 1 }, message: null }, pusher: 'ann' },
      {
        ...giteaPush,
        commits: [{ id: COMMIT, author: { name: 'a'.repeat(300) }, message: 'm'.repeat(5_000) }],
      },
    ];
    const told = [];
    for (const push of unusual) {
      const body = JSON.stringify(push);
      const task = await built(await api.call('POST', GITEA, body, giteaHeaders(body)));
      const payload = task?.payload as { author?: string; message?: string };
      told.push([payload.author, payload.message]);
    }
    expect(told).toEqual([
      ['Ann Example', undefined],
      [undefined, undefined],
      [`${'a'.repeat(199)}…`, `${'m'.repeat(1_999)}…`],
    ]);
  });

  test('once, however often and however many at a time it is delivered', async () => {
    const sent = newPush();
    const headers = giteaHeaders(sent, { delivery: randomUUID() });
    const send = () => api.call('POST', GITEA, sent, headers);
    const answers = [await send(), ...(await Promise.all([send(), send(), send()]))];
    expect(answers.map(({ status, body }) => [status, body.created])).toEqual([
      [201, true],
      [200, false],
      [200, false],
      [200, false],
    ]);
    expect(new Set(answers.map(({ body }) => body.task.id)).size).toBe(1);
    const other = newPush();
    expect((await api.call('POST', GITEA, other, giteaHeaders(other))).status).toBe(201);
    // The same body of another sender is another delivery.
    expect((await api.call('POST', GITHUB, sent, githubHeaders(sent))).status).toBe(201);
  });

  test('whatever the case of the headers, and whatever other credentials come along', async () => {
    const sent = newPush();
    const entries = Object.entries(giteaHeaders(sent));
    const upper = Object.fromEntries(entries.map(([name, value]) => [name.toUpperCase(), value]));
    expect((await raw(api.url, 'POST', GITEA, { body: sent, headers: upper })).status).toBe(201);
    for (const more of [as('ann of nothing may read'), as('nonsense'), { authorization: 'Bearer x' }]) {
      const body = newPush();
      const answer = await api.call('POST', GITEA, body, { ...giteaHeaders(body), ...more });
      expect([answer.status, (await built(answer))?.initiator]).toEqual([201, 'webhook:gitea']);
    }
  });

  test('of Gitea also by the signature of GitHub, which newer ones send, and by its own alone', async () => {
    const sent = newPush();
    const { 'X-Gitea-Signature': own, 'X-Hub-Signature-256': hub, ...others } = giteaHeaders(sent);
    const send = (headers: Record<string, string | undefined>) =>
      api.call('POST', GITEA, sent, { ...others, ...headers } as Record<string, string>);
    expect((await send({ 'X-Hub-Signature-256': hub })).status).toBe(201);
    expect((await send({ 'X-Gitea-Signature': own?.toUpperCase() })).status).toBe(200);
  });
});

describe('what is not signed as it must be is 401, and changes nothing', () => {
  const good = giteaHeaders(text);
  const signature = good['X-Gitea-Signature'] ?? '';
  const without = (...names: string[]): Record<string, string> =>
    Object.fromEntries(Object.entries(giteaHeaders(text)).filter(([name]) => !names.includes(name)));
  const ALL = ['X-Gitea-Signature', 'X-Hub-Signature-256'];
  const sha512 = 'a'.repeat(128);

  test.each<[string, Record<string, string>]>([
    ['no signature', without(...ALL)],
    ['only the old SHA-1', { ...without(...ALL), 'X-Hub-Signature': good['X-Hub-Signature'] ?? '' }],
    ['only that of Gogs', { ...without(...ALL), 'X-Gogs-Signature': signature }],
    ['an empty one', { ...without(...ALL), 'X-Gitea-Signature': '' }],
    ['one that is too short', { ...good, 'X-Gitea-Signature': signature.slice(2) }],
    ['one that is too long', { ...good, 'X-Gitea-Signature': `${signature}00` }],
    ['one that is no hex', { ...good, 'X-Gitea-Signature': `zz${signature.slice(2)}` }],
    ['that of another algorithm', { ...good, 'X-Gitea-Signature': sha512 }],
    ['one with the prefix of GitHub', { ...good, 'X-Gitea-Signature': `sha256=${signature}` }],
    ['base64', { ...good, 'X-Gitea-Signature': hmac(SECRETS.gitea, text, 'base64') }],
    ['one of another secret', giteaHeaders(text, { secret: SECRETS.github })],
    ['one of another body', giteaHeaders(`${text} `)],
    ['one of no body', giteaHeaders('')],
    ['two, the second right', { ...good, 'X-Gitea-Signature': `${'0'.repeat(64)}, ${signature}` }],
    ['a wrong one beside a right one', { ...good, 'X-Gitea-Signature': '0'.repeat(64) }],
    ['a token instead', { ...without(...ALL), ...as('ann of *') }],
  ])('%s', async (_what, headers) => {
    const answer = await expectRefused(401, 'UNAUTHORIZED', () => api.call('POST', GITEA, text, headers));
    expect(answer.headers.get('www-authenticate')).toBe('HMAC-SHA256 header="x-gitea-signature"');
    expect(answer.text).not.toContain(signature);
    expect(answer.text).not.toContain(SECRETS.gitea);
  });

  test.each([
    ['without its prefix', hmac(SECRETS.github, text)],
    ['with the prefix of SHA-1', `sha1=${hmac(SECRETS.github, text)}`],
    ['with the prefix in capitals', `SHA256=${hmac(SECRETS.github, text)}`],
  ])('of GitHub %s', async (_what, signed) => {
    const headers = { ...githubHeaders(text), 'X-Hub-Signature-256': signed };
    await expectRefused(401, 'UNAUTHORIZED', () => api.call('POST', GITHUB, text, headers));
  });

  test('a body of which a byte is altered on the way, wherever', async () => {
    for (const at of [0, 100, text.length - 1]) {
      const altered = Buffer.from(text);
      altered[at] = (altered[at] ?? 0) ^ 1;
      await expectRefused(401, 'UNAUTHORIZED', () => api.call('POST', GITEA, altered, giteaHeaders(text)));
    }
    // The same JSON in other bytes.
    const spaced = JSON.stringify(giteaPush, null, 2);
    await expectRefused(401, 'UNAUTHORIZED', () => api.call('POST', GITEA, spaced, giteaHeaders(text)));
  });

  test('what is no JSON, before anything is made of it', async () => {
    for (const body of ['{', '\0', '{"__proto__":{}}', '['.repeat(100_000)]) {
      const headers = giteaHeaders(body, { secret: 'another-secret-altogether' });
      await expectRefused(401, 'UNAUTHORIZED', () => api.call('POST', GITEA, body, headers));
    }
  });

  test('a sender whose secret is not configured', async () => {
    const bare = await startApi(pool, { config: testConfig() });
    for (const [path, headers] of [
      [GITEA, giteaHeaders(text, { secret: '' })],
      [GITHUB, githubHeaders(text, { secret: 'undefined' })],
    ] as const) {
      const answer = await expectRefused(401, 'UNAUTHORIZED', () => bare.call('POST', path, text, headers));
      expect(answer.body.error).toMatch(/No secret is configured for git/);
    }
  });
});

describe('of other events nothing becomes', () => {
  const tag = { ...giteaPush, ref: 'refs/tags/v1.0.0' };
  const deletion = { ...giteaPush, after: NO_COMMIT };
  test.each<[string, string, object, RegExp]>([
    [GITEA, 'create', { ref: 'v1', ref_type: 'tag' }, /"create" is not a push/],
    [GITEA, 'pull_request', { action: 'opened', number: 2 }, /"pull_request" is not a push/],
    [GITHUB, 'ping', { zen: 'Design for failure.', hook_id: 1 }, /"ping" is not a push/],
    [GITEA, 'push', tag, /"refs\/tags\/v1.0.0" is not a branch/],
    [GITEA, 'push', deletion, /"refs\/heads\/develop" was deleted/],
    [GITHUB, 'push', { ...githubPush, deleted: true }, /was deleted/],
    [GITHUB, 'push', { ...deletion, head_commit: null, repository: null }, /was deleted/],
  ])('%s %s', async (path, event, payload, reason) => {
    const before = await counts(pool);
    const body = JSON.stringify(payload);
    const headers = path === GITEA ? giteaHeaders(body, { event }) : githubHeaders(body, { event });
    const answer = await api.call('POST', path, body, headers);
    expect([answer.status, answer.body]).toEqual([
      202,
      { ignored: true, reason: expect.stringMatching(reason) },
    ]);
    expect(await counts(pool)).toEqual(before);
  });
});
