import { randomUUID } from 'node:crypto';
import { disableCallback } from '../../../store/operators/callbacks.ts';
import { definitions } from '../../../tasks/index.ts';
import { as } from '../../fast/api/principals.ts';
import type { Received } from '../../fast/contracts/exchange.ts';
import { type ApiRequest, encode, type Located } from '../../fast/contracts/requests.ts';
import { isSigned, signed } from '../../fast/contracts/signed.ts';
import {
  inPath,
  requestFor,
  submitDelivery,
  submitWithStep,
} from '../../fast/contracts/statuses_requests.ts';
import { openEvents } from '../../support/network/event_source.ts';
import { submitOne } from '../../support/tasks.ts';
import type { Stage } from './statuses_apis.ts';
import { OF_FAILURES } from './statuses_failures.ts';
import { overLimit, overPages } from './statuses_limits.ts';
import { OF_SCHEDULES } from './statuses_schedules.ts';
import { AS_JSON, each, exchange, sending, type Way, type Ways } from './statuses_sending.ts';

/** More than the 10 MB that are read. */
const TOO_LARGE = Buffer.from(`{"a":"${'a'.repeat(11 * 1024 * 1024)}"}`);
/** More than the 25 MB that are read of a webhook. */
const TOO_LARGE_EVENT = Buffer.from(`{"a":"${'a'.repeat(26 * 1024 * 1024)}"}`);
const METHODS = ['PUT', 'PATCH', 'DELETE', 'POST'];

const withUnknownMethod: Way = (stage, located) => {
  const known = Object.keys(stage.document.paths[located.path] ?? {});
  const method = METHODS.find((one) => !known.includes(one.toLowerCase())) ?? 'TRACE';
  return sending('plain', { method })(stage, located);
};

const withUnknownThing: Way = async (stage, located) => {
  if (!located.path.includes('{')) throw missing(located, 404);
  return [await exchange(stage.apis.plain, requestFor(located, stage.things, 'unknown'))];
};

const withBadInput: Way = async (stage, located) => {
  const badQuery = sending('plain', { query: [['nobody_knows', 'a']] });
  const noText = sending('plain', { query: [['a', '%zz']] });
  const badBody = sending('plain', { headers: AS_JSON, json: { nobody_knows: 1 } });
  return each(badQuery, noText, ...(located.operation.requestBody ? [badBody] : []))(stage, located);
};

/** Ways that are the same for every operation under /v1. */
const OF_ANY: Ways = {
  200: sending('plain'),
  400: withBadInput,
  401: sending('guarded'),
  403: sending('guarded', { headers: as('ann of * may nothing') }),
  404: withUnknownThing,
  405: withUnknownMethod,
  408: sending('hasty'),
  413: sending('plain', { headers: AS_JSON, text: TOO_LARGE }),
  415: sending('plain', { headers: { 'content-type': 'text/plain' }, text: 'a' }),
  429: overLimit,
  500: sending('broken'),
  503: each(sending('emergency'), sending('starting')),
};

/** Those of what the process tells of itself. */
const OF_PROCESS: Ways = {
  200: sending('plain'),
  405: withUnknownMethod,
  500: sending('stateless'),
  503: sending('emergency'),
};

const readiness: Ways = { 503: sending('unready') };

const byTask: Ways = {
  202: sending('plain', { headers: AS_JSON, json: { filter: { tag: 'nobody' }, per_second: 1 } }),
};

/** Submits twice: the first answer is that of a new task, the second that of one that was there. */
async function submitTwice(stage: Stage, located: Located): Promise<[Received, Received]> {
  const request = requestFor(located, stage.things);
  const headers = { ...request.headers, 'idempotency-key': randomUUID() };
  const send = () => exchange(stage.apis.plain, { ...request, headers });
  return [await send(), await send()];
}

/** A key that the ledger has with another payload. A batch makes one for each of its items out of that of the request. */
async function usedKey(stage: Stage, { path }: Located, suffix = ''): Promise<string> {
  const key = randomUUID();
  const { name } = definitions.find((one) => path.includes(one.name)) ?? definitions[0];
  const dedup = { dedup: 'idempotency_key', key: `${key}${suffix}` } as const;
  await submitOne(stage.pool, { name, payload: { other: true }, dedup });
  return key;
}

const submission: Ways = {
  200: async (...given) => [(await submitTwice(...given))[1]],
  201: async (...given) => [(await submitTwice(...given))[0]],
  404: async (stage, located) => {
    const request = requestFor(located, stage.things);
    return sending('plain', { json: { ...(request.json as object), version: 'none' } })(stage, located);
  },
  409: async (stage, located) => {
    const headers = { ...AS_JSON, 'idempotency-key': await usedKey(stage, located) };
    return sending('plain', { headers })(stage, located);
  },
};

/** Sends an event that is new, twice in one delivery. */
async function deliverTwice(stage: Stage, located: Located): Promise<[Received, Received]> {
  const event = requestFor(located, stage.things);
  const request = signed({ ...event, json: { ...(event.json as object), sent: randomUUID() } });
  const send = () => exchange(stage.apis.plain, request);
  return [await send(), await send()];
}

/** Of what is signed by its sender. */
const webhook: Ways = {
  200: async (...given) => [(await deliverTwice(...given))[1]],
  201: async (...given) => [(await deliverTwice(...given))[0]],
  202: each(
    sending('plain', {
      headers: { ...AS_JSON, 'x-gitea-event': 'ping', 'x-github-event': 'ping' },
      json: {},
    }),
  ),
  413: sending('plain', { headers: AS_JSON, text: TOO_LARGE_EVENT }),
  // A body of anything else than what is expected is an event that nothing becomes of.
  400: each(sending('plain', { query: [['nobody_knows', 'a']] }), sending('plain', { text: '{' })),
  401: each(
    sending('guarded', {
      headers: { ...AS_JSON, 'x-gitea-signature': 'a', 'x-hub-signature-256': 'a', 'webhook-signature': 'a' },
    }),
  ),
};

const batch: Ways = {
  409: async (stage, located) => {
    const headers = { ...AS_JSON, 'idempotency-key': await usedKey(stage, located, '/0') };
    return sending('plain', { headers, query: [['atomic', 'true']] })(stage, located);
  },
};

/** Sends it for a step of a task of its own. */
const forOwnStep: Way = async (stage, located) => {
  const things = inPath(await submitWithStep(stage.pool, { message: randomUUID() }));
  return [await exchange(stage.apis.plain, requestFor(located, { ...stage.things, ...things }))];
};

/** Sends it for a task of its own, which `prepare` has brought into the state that it needs. */
function forOwnTask(prepare: (stage: Stage, id: string) => Promise<unknown> = async () => {}): Way {
  return async (stage, located) => {
    const { id } = await submitOne(stage.pool, { name: 'example.sleep', payload: { ms: 1 } });
    await prepare(stage, id);
    const things = { ...stage.things, id: { known: id, unknown: id } };
    return [await exchange(stage.apis.plain, requestFor(located, things))];
  };
}

/** Sends it, changed, for a task that was cancelled: its streams end. */
function forEndedTask(changed: Partial<ApiRequest> = {}): Way {
  return async (stage, located) => {
    const { id } = await submitOne(stage.pool, { name: 'example.sleep', payload: { ms: 1 } });
    await exchange(stage.apis.plain, { method: 'DELETE', path: `/v1/tasks/${id}`, query: [], headers: {} });
    const things = { ...stage.things, id: { known: id, unknown: id } };
    return [await exchange(stage.apis.plain, { ...requestFor(located, things), ...changed })];
  };
}

/** Reads the stream of an ended task to its end, and comes back after it. */
const afterItsEnd: Way = async (stage, located) => {
  const { id } = await submitOne(stage.pool, { name: 'example.sleep', payload: { ms: 1 } });
  await exchange(stage.apis.plain, { method: 'DELETE', path: `/v1/tasks/${id}`, query: [], headers: {} });
  const request = requestFor(located, { ...stage.things, id: { known: id, unknown: id } });
  const headers = { accept: 'text/event-stream' };
  const source = await openEvents(`${stage.apis.plain}${request.path}`);
  await source.closed;
  const last = source.events.at(-1)?.id ?? '';
  return [await exchange(stage.apis.plain, { ...request, headers: { ...headers, 'last-event-id': last } })];
};

/** Asks for a ticket for a stream of a task that there is. */
const forKnownStream: Way = (stage, located) =>
  sending('plain', { headers: AS_JSON, json: { path: `/v1/tasks/${stage.things.id?.known}/logs` } })(
    stage,
    located,
  );

/** Sends it for a delivery that is due. */
const forDueDelivery: Way = async (stage, located) => {
  const id = stage.things.id?.known ?? '';
  const due = await submitDelivery(stage.pool, id, 'queued');
  const things = { ...stage.things, delivery_id: { known: due, unknown: due } };
  return [await exchange(stage.apis.plain, requestFor(located, things))];
};

/** Sends it for the endpoint of the example, which is disabled. */
const forDisabledEndpoint: Way = async (stage, located) => {
  const { namespace, url } = requestFor(located, stage.things).json as { namespace: string; url: string };
  await disableCallback(stage.pool, { namespace, url, taskId: randomUUID() });
  return sending('plain')(stage, located);
};

/** Lists in all their forms but CSV, which has no Link. */
const LISTS: ApiRequest['query'][] = [
  [],
  [['page_size', '1']],
  [['fields', 'id,payload']],
  [['payload', encode('/message=here')]],
];

/** Ways of single operations, by their operationId; they go before those of all. */
const OF_ONE: Record<string, Ways> = {
  ...OF_FAILURES,
  listTasks: { 200: each(...LISTS.map((query) => sending('plain', { query }))) },
  submitTask: submission,
  // A workflow, and one that is none.
  getTask: { 200: each(sending('plain'), forOwnTask()) },
  listWorkflowSteps: { 200: each(sending('plain'), forOwnTask()) },
  resolveWorkflowStep: { 200: forOwnStep },
  cancelTask: { 200: forOwnTask() },
  // A page, and a stream.
  taskLogs: {
    200: each(sending('plain'), forEndedTask({ headers: { accept: 'text/event-stream' } })),
    204: afterItsEnd,
  },
  taskEvents: { 200: forEndedTask(), 204: afterItsEnd },
  // The task of the example is unknown.
  issueStreamTicket: { 200: forKnownStream, 404: sending('plain') },
  getOpenApi: { 429: overPages },
  getDocs: { 429: overPages },
  retryTask: { 200: forEndedTask() },
  listDeliveries: { 200: each(sending('plain'), forOwnTask()) },
  resendDelivery: { 201: sending('plain'), 409: forDueDelivery },
  enableCallback: { 200: forDisabledEndpoint, 404: sending('plain') },
  ...OF_SCHEDULES,
  retryTasks: byTask,
  cancelTasks: byTask,
  // The example is one that is answered 202.
  retryErrorGroup: { 200: sending('plain', { headers: {}, json: undefined }), 202: sending('plain') },
  getReadiness: readiness,
  getHealthReadiness: readiness,
};

/** How to make an operation answer with a status that it documents. Throws with what to add when there is no way. */
export function wayTo(located: Located, status: number): Way {
  const way = waysOf(located)[status];
  if (way === undefined) throw missing(located, status);
  return way;
}

function waysOf({ path, operation }: Located): Ways {
  if (!path.startsWith('/v1/')) return { ...OF_PROCESS, ...OF_ONE[operation.operationId] };
  const task = definitions.find(({ name }) => path.startsWith(`/v1/tasks/${name}`));
  const ofTask = task === undefined ? {} : path.endsWith('/batch') ? batch : submission;
  return { ...OF_ANY, ...(isSigned({ path }) ? webhook : ofTask), ...OF_ONE[operation.operationId] };
}

function missing({ path, method, operation }: Located, status: number): Error {
  return new Error(
    `Nobody knows how to make ${method.toUpperCase()} ${path} answer ${status}: add a way to OF_ONE.` +
      `${operation.operationId} in test/system/contracts/statuses_ways.ts, or take the status out of the document`,
  );
}
