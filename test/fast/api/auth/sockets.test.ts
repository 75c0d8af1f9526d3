import { expect, test } from 'vitest';
import { createState } from '../../../../api/capacity/state.ts';
import { createDatabase } from '../../../support/database.ts';
import { openSocket } from '../../../support/network/web_socket.ts';
import { submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { startOwnApi } from '../app.ts';
import { as, authenticateByWords } from '../principals.ts';
import { reader, setState, taskWithLines } from '../streams/streaming.ts';
import { authenticator, claims, inSeconds, makeKey, makePair, sign, TRUST } from './keys.ts';

const { pool } = await createDatabase();
const byWords = { authenticate: authenticateByWords };
const task = (name: string) => submitOne(pool, { name, payload: {} });

test('a WebSocket needs credentials that are good and may read', async () => {
  const api = await startOwnApi(pool, byWords);
  await expect(openSocket(api.url)).rejects.toThrow('401');
  await expect(openSocket(api.url, { headers: as('whoever') })).rejects.toThrow('401');
  await expect(openSocket(api.url, { headers: as('ann of billing may submit') })).rejects.toThrow('403');
  await openSocket(api.url, { headers: as('ann of billing may read') });
});

test('a client hears nothing of namespaces that are not its own, whatever it subscribes to', async () => {
  const api = await startOwnApi(pool, byWords);
  const client = await openSocket(api.url, { headers: as('ann of billing') });
  const [own, foreign] = [await task('billing.one'), await task('secret.one')];
  for (const topic of [{ namespace: 'secret' }, { name: 'secret.one' }, { namespace: 'errand' }]) {
    expect(await client.ask({ type: 'subscribe', ...topic })).toMatchObject({
      type: 'error',
      code: 'FORBIDDEN',
    });
  }
  expect(await client.ask({ type: 'subscribe', task: foreign.id })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await client.ask({ type: 'subscribe', task: own.id })).toMatchObject({ type: 'subscribed' });
  expect(await client.ask({ type: 'subscribe', namespace: 'billing' })).toMatchObject({ type: 'subscribed' });
  // A child of its own task in a namespace that is not its own.
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, parent_id)
     values ('secret.child', '1', 'queued', 0, 1, now(), '{}', $1)`,
    [own.id],
  );
  await setState(pool, foreign.id, 'running');
  await setState(pool, own.id, 'running');
  expect((await client.changes(1)).map(({ id }) => id)).toEqual([own.id]);
});

test('a browser sends its token as a subprotocol, and a wrong one is refused there, too', async () => {
  const pair = makePair();
  const authenticate = await authenticator({ ...TRUST, JWT_PUBLIC_KEY: pair.pem });
  const api = await startOwnApi(pool, { authenticate });
  const token = await sign(pair.privateKey);
  const client = await openSocket(api.url, { protocols: ['errand.v1', `errand.bearer.${token}`] });
  // The token does not come back.
  expect(client.socket.protocol).toBe('errand.v1');
  expect(await client.ask({ type: 'subscribe', namespace: 'billing' })).toMatchObject({ type: 'subscribed' });
  await expect(
    openSocket(api.url, { protocols: ['errand.v1', `errand.bearer.${token.slice(0, -4)}AAAA`] }),
  ).rejects.toThrow('401');
  client.socket.terminate();
  await until(
    'both are in the log',
    () => api.lines.filter(({ msg }) => /request|WebSocket broke off/.test(String(msg))).length >= 2,
  );
  expect(JSON.stringify(api.lines)).not.toContain(token.split('.')[2]);
});

test('an API key goes where a token does', async () => {
  const { key, entry } = makeKey('page');
  const authenticate = await authenticator({ AUTH_ENABLED: 'true', API_KEYS: JSON.stringify([entry]) });
  const api = await startOwnApi(pool, { authenticate });
  const client = await openSocket(api.url, { protocols: ['errand.v1', `errand.bearer.${key}`] });
  expect(await client.ask({ type: 'subscribe', namespace: 'billing' })).toMatchObject({ type: 'subscribed' });
});

test('a browser that is refused is told why by the close of its WebSocket, others by the status', async () => {
  const state = createState();
  const api = await startOwnApi(pool, { ...byWords, state });
  const origin = { origin: 'https://pages.example' };
  const closed = async (headers: Record<string, string>): Promise<[number, string]> => {
    const client = await openSocket(api.url, {
      headers: { ...origin, ...headers },
      protocols: ['errand.v1'],
    });
    expect(client.socket.protocol).toBe('errand.v1');
    return client.closed;
  };
  expect(await closed({})).toEqual([4503, expect.stringContaining('starting')]);
  state.started();
  expect(await closed({})).toEqual([4401, expect.stringMatching(/^Credentials are missing/)]);
  expect(await closed(as('whoever'))).toEqual([4401, 'Unknown']);
  expect(await closed(as('ann of billing may submit'))).toEqual([
    4403,
    expect.stringContaining('scope read'),
  ]);
  await expect(openSocket(api.url)).rejects.toThrow('401');
  await until('no socket is left', async () => {
    const open = await new Promise<number>((resolve) =>
      api.server.getConnections((_error, count) => resolve(count)),
    );
    return open === 0;
  });
  await openSocket(api.url, { headers: { ...origin, ...as('ann of billing may read') } });
});

test('a stream and a WebSocket end when the credentials do', async () => {
  const pair = makePair();
  const authenticate = await authenticator({ ...TRUST, JWT_PUBLIC_KEY: pair.pem });
  const api = await startOwnApi(pool, { authenticate });
  const id = await taskWithLines(pool, 1, { state: 'running' });
  const token = await sign(pair.privateKey, claims({ exp: inSeconds(2), worker_namespaces: '*' }));
  const headers = { authorization: `Bearer ${token}` };
  const [source, client] = await Promise.all([
    reader(`${api.url}/v1/tasks/${id}/logs`, headers),
    openSocket(api.url, { headers }),
  ]);
  expect(source.status).toBe(200);
  expect(await source.closed).toBe(true);
  expect((await client.closed)[0]).toBe(1001);
});
