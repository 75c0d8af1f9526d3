import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { SCOPES } from '../../../../api/auth/principal.ts';
import { buildOpenApi } from '../../../../api/openapi/build.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { loadRegistry } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { everything, seed, TELLS } from './foreign.ts';
import { authenticator, claims, makePair, sign, TRUST } from './keys.ts';
import { type Request, requestsFor } from './operations.ts';

// Fault F28: whoever may act in `text` sees and changes nothing of `example`, by any operation there is.

const pair = makePair();
const { pool } = await createDatabase();
const authenticate = await authenticator({ ...TRUST, JWT_PUBLIC_KEY: pair.pem });
const api = await startApi(pool, { authenticate });
const openReads = await startApi(pool, { authenticate, config: testConfig({ AUTH_READS: 'false' }) });

const EVERY_SCOPE = SCOPES.join(' ');
const operator = await bearer({ sub: 'operator', worker_namespaces: ['*'], scope: EVERY_SCOPE });
/** Like alice: what he tries stands in a trail that she may not read. */
const bob = await bearer({ sub: 'bob', worker_namespaces: ['text'], scope: EVERY_SCOPE });
const alice = await bearer({ sub: 'alice', worker_namespaces: ['text'], scope: EVERY_SCOPE });

const { definitions } = loadRegistry({ NODE_ENV: 'test' });
const document = buildOpenApi(definitions);
await registerDefinitions(pool, definitions);
const foreignThings = await seed(pool, api, operator);
const [FOREIGN] = foreignThings;
const requests = requestsFor(document, FOREIGN);
/** A ticket changes nothing: it is how to read. A preview stores nothing, and is about nothing that anybody has. */
const isReading = (method: string, operation: string): boolean =>
  method === 'GET' || operation === 'issueStreamTicket' || operation === 'previewSchedule';
const asking = requests.filter(({ scope }) => scope !== null);
/** Of every foreign task; those for a task of the caller's own namespace have that in their path. */
const foreign = foreignThings
  .flatMap((thing, index) =>
    requestsFor(document, thing).filter(({ path }) => index === 0 || path.includes(thing.id)),
  )
  .filter(({ scope, path }) => scope !== null && !path.startsWith('/v1/tasks/text.'))
  .filter(({ operation }) => operation !== 'previewSchedule')
  .toSorted((a, b) => rankOf(a) - rankOf(b));
const [reads, mutations] = [true, false].map((isRead) =>
  foreign.filter(({ method, operation }) => isReading(method, operation) === isRead),
) as [Request[], Request[]];

/** Retries and dismissals leave no error group, and the last one no schedule. */
function rankOf({ operation }: Request): number {
  if (/^(resolve|ignore|reopen)Errors$/.test(operation)) return 0;
  return operation === 'deleteSchedule' ? 2 : 1;
}

async function bearer(changed: Record<string, unknown>): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await sign(pair.privateKey, claims(changed))}` };
}

function send({ method, path, body }: Request, headers: Record<string, string> = {}, at = path) {
  return api.call(method, at, body, headers);
}

/** Does it for each request, and asserts that nothing was stored or changed, but for these tables. */
async function changesNothing(
  some: Request[],
  work: (request: Request) => Promise<void>,
  but: Record<string, unknown> = {},
): Promise<void> {
  expect(some).not.toEqual([]);
  const before = await everything(pool);
  for (const request of some) await work(request);
  expect(await everything(pool)).toEqual({ ...before, ...but });
}

test('there are operations of every kind, and each mutation is about what is foreign', () => {
  expect(new Set(asking.map(({ scope }) => scope))).toEqual(new Set(SCOPES));
  // Only what a process tells of itself is for everybody, and what changes something is more than reading.
  for (const { operation, method, scope, path, isSigned } of requests) {
    if (isSigned) continue;
    const isOpen = !path.startsWith('/v1/');
    expect([operation, scope === null]).toEqual([operation, isOpen]);
    if (!isReading(method, operation))
      expect([operation, scope]).toEqual([operation, expect.toBeOneOf(['submit', 'operate'])]);
  }
  for (const { operation, path, body } of mutations) {
    const told = `${path} ${JSON.stringify(body)}`;
    expect([operation, told]).toEqual([operation, expect.stringMatching(/example|http\.|[0-9a-f-]{36}/)]);
  }
});

test('F28: without credentials, and with those that are no good, it is 401 wherever something is asked for', async () => {
  const stranger = await sign(
    makePair().privateKey,
    claims({ worker_namespaces: ['*'], scope: EVERY_SCOPE }),
  );
  const bad = [
    {},
    { authorization: 'Bearer x' },
    { authorization: `Bearer ${stranger}` },
    { 'x-api-key': 'errand_x' },
    { ...operator, 'x-api-key': 'errand_x' },
  ];
  await changesNothing(asking, async (request) => {
    for (const headers of bad) {
      const { status, body, headers: answered } = await send(request, headers);
      const told = [request.operation, status, body?.code, answered.get('www-authenticate')];
      expect(told).toEqual([request.operation, 401, 'UNAUTHORIZED', expect.stringMatching(/^Bearer/)]);
    }
  });
  for (const request of requests.filter(({ scope, isSigned }) => scope === null && !isSigned)) {
    expect([request.operation, (await send(request)).status]).toEqual([request.operation, 200]);
  }
});

test('with reads open to all, what is no read still asks', async () => {
  await changesNothing(asking, async ({ operation, scope, method, path, body }) => {
    const { status } = await openReads.call(method, path, body);
    expect([operation, status]).toEqual([operation, scope === 'read' ? 200 : 401]);
    const wrong = await openReads.call(method, path, body, { authorization: 'Bearer x' });
    expect([operation, wrong.status]).toEqual([operation, 401]);
  });
});

test('with every other scope it is 403, in all namespaces too', async () => {
  await changesNothing(asking, async (request) => {
    const others = SCOPES.filter((scope) => scope !== request.scope).join(' ');
    const { status, body } = await send(request, await bearer({ worker_namespaces: ['*'], scope: others }));
    expect([request.operation, status, body.code]).toEqual([request.operation, 403, 'FORBIDDEN']);
  });
});

test('F28: mutations of what is foreign are 403', async () => {
  await changesNothing(
    mutations.filter(({ isSingle }) => isSingle),
    async (request) => {
      const { status, body } = await send(request, alice);
      expect([request.operation, status, body.code]).toEqual([request.operation, 403, 'FORBIDDEN']);
    },
  );
});

test('mutations of all that matches match nothing that is foreign, whatever they ask for', async () => {
  const { name, namespace, errorGroup } = FOREIGN;
  const filters = [{ name }, { namespace }, { error_group: errorGroup }, { tag: 'of-b' }, { error: 'of-b' }];
  await changesNothing(
    mutations.filter(({ isSingle }) => !isSingle),
    async (request) => {
      const isFiltered = Object.keys(request.body as object).includes('filter');
      for (const body of isFiltered ? filters.map((filter) => ({ filter })) : [request.body]) {
        const answer = await send({ ...request, body }, bob);
        const { status, body: answered } = answer;
        expect([request.operation, body, status, answered.matched, answered.changed]).toEqual([
          request.operation,
          body,
          200,
          0,
          0,
        ]);
      }
    },
    // That it was tried is in the trail.
    { 'errand.audit': expect.any(String) },
  );
});

test('F28: single reads of what is foreign are 404', async () => {
  await changesNothing(
    reads.filter(({ isSingle }) => isSingle),
    async (request) => {
      const { status, body } = await send(request, alice);
      expect([request.operation, status, body.code]).toEqual([request.operation, 404, 'NOT_FOUND']);
    },
  );
});

test('an id that is foreign is answered like one that nothing has', async () => {
  const invented = randomUUID();
  const byId = foreign.filter(({ path }) => path.includes(FOREIGN.id));
  await changesNothing(byId, async (request) => {
    const there = await send(request, alice);
    const nowhere = await send(request, alice, request.path.replace(FOREIGN.id, invented));
    expect([there.status, { ...there.body, request_id: '' }]).toEqual([
      nowhere.status,
      { ...nowhere.body, request_id: '', error: nowhere.body.error.replace(invented, FOREIGN.id) },
    ]);
  });
});

test('a name in another namespace is answered like one that no task has', async () => {
  const submission = { payload: { message: 'a' } };
  const answers = ['example.echo', 'example.nothing'].flatMap((name) => [
    api.call('POST', `/v1/tasks/${name}`, submission, alice),
    api.call('POST', `/v1/tasks/${name}/batch`, { items: [submission] }, alice),
    api.call('POST', '/v1/tasks', { name, ...submission }, alice),
    api.call('PUT', `/v1/queues/${name}/pause`, undefined, alice),
    api.call('PUT', '/v1/queues/example/pause', undefined, alice),
  ]);
  const told = (await Promise.all(answers)).map(({ status, body }) =>
    JSON.stringify([status, body.error, body.details]),
  );
  expect([...new Set(told)]).toEqual([expect.stringMatching(/^\[403,/)]);
});

test('F28: lists leave out what is foreign, also when they are asked for it', async () => {
  const telling: string[] = [];
  await changesNothing(
    reads.filter(({ isSingle }) => !isSingle),
    async (request) => {
      for (const path of [request.path, ...request.narrowed]) {
        const { status, text } = await send(request, alice, path);
        expect([path, status]).toEqual([path, 200]);
        expect([path, TELLS.exec(text)?.[0], text.includes(FOREIGN.id)]).toEqual([path, undefined, false]);
      }
      if (TELLS.test((await send(request, operator)).text)) telling.push(request.operation);
    },
  );
  // Who may see everything is told of it by all of them, so there was something to leave out.
  expect(telling).toEqual(reads.filter(({ isSingle }) => !isSingle).map(({ operation }) => operation));
});

test('a token for no namespace sees nothing, and submits nothing', async () => {
  const nobody = await bearer({ worker_namespaces: [], scope: EVERY_SCOPE });
  expect((await api.call('GET', '/v1/tasks', undefined, nobody)).body.tasks).toEqual([]);
  const submitted = await api.call('POST', '/v1/tasks/text.count_words', { payload: { text: 'a' } }, nobody);
  expect(submitted.status).toBe(403);
});

test("Errand's own tasks are submitted by nobody, whatever the token says", async () => {
  const insider = await bearer({ worker_namespaces: ['errand'], scope: EVERY_SCOPE });
  const payload = { action: 'cancel', filter: {}, limit: 1, matched: 1, actor: 'user:operator' };
  for (const [headers, status] of [
    [insider, 403],
    [operator, 404],
  ] as const) {
    for (const [path, body] of [
      ['/v1/tasks/errand.bulk', { payload }],
      ['/v1/tasks/errand.bulk/batch', { items: [{ payload }] }],
      ['/v1/tasks', { name: 'errand.bulk', payload }],
    ] as const) {
      expect([path, (await api.call('POST', path, body, headers)).status]).toEqual([path, status]);
    }
  }
});

// Last, as it changes things: the refusals above were for the namespace and for nothing else.
test('who may act in the foreign namespace is not refused', async () => {
  for (const request of foreign.filter(({ path }) => !path.includes('-') || path.includes(FOREIGN.id))) {
    const { operation } = request;
    const { status } = await send(request, operator);
    expect([operation, status]).toEqual([operation, expect.toBeOneOf([200, 201, 202, 400])]);
  }
});
