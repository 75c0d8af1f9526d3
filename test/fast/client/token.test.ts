import { expect, test } from 'vitest';
import { UnauthorizedError } from '../../../client/index.ts';
import { createDatabase } from '../../support/database.ts';
import { clientOf, startRegisteredApi } from './clients.ts';
import { startProxy } from './proxy.ts';

const { pool } = await createDatabase();
const api = await startRegisteredApi(pool);

/** A proxy that lets one token in, until another one is wanted. */
async function guarded(token: string) {
  const proxy = await startProxy(api.url);
  const state = { token };
  proxy.decide = ({ headers }) =>
    headers.authorization === `Bearer ${state.token}` ? 'pass' : { status: 401 };
  return { proxy, state };
}

const list = (client: ReturnType<typeof clientOf>) => client.request('GET', '/v1/tasks');

test('a token is fetched once, kept, and after a 401 fetched again, once for all', async () => {
  const { proxy, state } = await guarded('first');
  const refusals: (string | undefined)[] = [];
  const client = clientOf(proxy.url, {
    token: async (refused) => {
      refusals.push(refused);
      return state.token;
    },
  });
  await Promise.all(Array.from({ length: 10 }, () => list(client)));
  expect(refusals).toEqual([undefined]);
  state.token = 'second';
  proxy.seen.length = 0;
  await Promise.all(Array.from({ length: 10 }, () => list(client)));
  expect(refusals).toEqual([undefined, 'first']);
  expect(proxy.seen).toHaveLength(20);
  await list(client);
  expect(refusals).toHaveLength(2);
});

test('one that is refused late does not fetch what others have fetched by then', async () => {
  const { proxy, state } = await guarded('first');
  const tokens = ['first', 'second', 'third'];
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  let holdNext = false;
  const client = clientOf(proxy.url, {
    token: () => tokens.shift() ?? 'none',
    fetch: async (...given) => {
      const isHeld = holdNext;
      holdNext = false;
      const response = await fetch(...given);
      if (isHeld) await released;
      return response;
    },
  });
  await list(client);
  state.token = 'second';
  holdNext = true;
  const late = list(client);
  await list(client);
  release();
  await late;
  expect(tokens).toEqual(['third']);
});

test('when the new one is refused too, that is thrown', async () => {
  const { proxy } = await guarded('nobody has it');
  let fetched = 0;
  const client = clientOf(proxy.url, { token: () => `guess-${fetched++}` });
  await expect(list(client)).rejects.toThrow(UnauthorizedError);
  expect([fetched, proxy.seen.length]).toEqual([2, 2]);
});

test('a fixed token and an API key are sent as they are, and not twice when they are refused', async () => {
  const { proxy, state } = await guarded('fixed');
  await list(clientOf(proxy.url, { token: 'fixed' }));
  state.token = 'other';
  await expect(list(clientOf(proxy.url, { token: 'fixed' }))).rejects.toThrow(UnauthorizedError);
  expect(proxy.seen).toHaveLength(2);
  proxy.decide = () => 'pass';
  await list(clientOf(proxy.url, { apiKey: 'errand_ci_abc' }));
  expect(proxy.seen.at(-1)?.headers).toMatchObject({ 'x-api-key': 'errand_ci_abc' });
});

test('when there is no token to be had, what its source throws is thrown, and the next request asks again', async () => {
  const { proxy } = await guarded('good');
  let isAway = true;
  const client = clientOf(proxy.url, {
    token: async () => {
      if (isAway) throw new RangeError('the identity provider is away');
      return 'good';
    },
  });
  await expect(list(client)).rejects.toThrow(RangeError);
  expect(proxy.seen).toHaveLength(0);
  isAway = false;
  await list(client);
});
