import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SCOPES } from '../../../api/auth/principal.ts';
import { buildOpenApi } from '../../../api/openapi/build.ts';
import type { Parameter } from '../../../api/openapi/schemas/parameters.ts';
import { ROUTES } from '../../../api/operations.ts';
import type { JsonSchema } from '../../../core/schema.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions } from '../../../tasks/index.ts';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { counts } from '../api/ledger.ts';
import { as, authenticateByWords } from '../api/principals.ts';
import { exchange } from './exchange.ts';
import { type ApiRequest, type Located, operationsOf } from './requests.ts';
import { fillLists } from './security_fill.ts';
import { isSigned } from './signed.ts';
import {
  inPath,
  KNOWN_SCHEDULE,
  requestFor,
  storeKnownBulk,
  storeKnownLimit,
  storeKnownSchedule,
  submitWithStep,
} from './statuses_requests.ts';

// The OWASP API Security Top 10 of 2023, as far as it is about routes; the rest of each has tests elsewhere.

const ELSEWHERE: Record<string, string[]> = {
  'API1 Broken object level authorization': ['api/auth/namespaces.test.ts'],
  'API2 Broken authentication': [
    'api/auth/tokens.test.ts',
    'api/auth/api_keys.test.ts',
    'contracts/security_signed.test.ts',
    'api/auth/start.test.ts',
  ],
  'API4 Unrestricted resource consumption': [
    'api/middleware/rate_limit.test.ts',
    'api/bad_requests/bad_sizes.test.ts',
    'api/capacity/load_shedding.test.ts',
  ],
  'API6 Unrestricted access to sensitive business flows': [
    'api/operators/bulk.test.ts',
    'api/middleware/rate_limit.test.ts',
  ],
  'API7 Server side request forgery': ['tasks/http.target.test.ts', 'callbacks/targets.test.ts'],
  'API8 Security misconfiguration': [
    'contracts/security_leaks.test.ts',
    'api/production.test.ts',
    'api/middleware/cors.test.ts',
  ],
  'API9 Improper inventory management': [
    'api/openapi/openapi_routes.test.ts',
    'api/middleware/states.test.ts',
  ],
  'API10 Unsafe consumption of APIs': [
    'tasks/http.request.answer.test.ts',
    'tasks/http.request.failure.test.ts',
    'api/webhooks/webhooks_refused.test.ts',
    'tasks/ci.build.repository.test.ts',
  ],
};

const { pool } = await createDatabase();
await registerDefinitions(pool, definitions);
const known = await submitWithStep(pool);
await storeKnownLimit(pool);
await storeKnownSchedule(pool);
await storeKnownBulk(pool);
const api = await startApi(pool, { authenticate: authenticateByWords });

const document = buildOpenApi(definitions);
const operations = operationsOf(document);
const guarded = operations.filter((located) => located.path.startsWith('/v1/') && !isSigned(located));
const withBody = guarded.filter(({ operation }) => operation.requestBody !== undefined);

function request(located: Located, changed: Partial<ApiRequest> = {}, words = 'ann of *'): ApiRequest {
  const made = { ...requestFor(located, inPath(known)), ...changed };
  return { ...made, headers: { ...made.headers, ...as(words) } };
}

/** In either tier. */
const isThere = (file: string): boolean =>
  ['fast', 'system'].some((tier) => existsSync(join(import.meta.dirname, '..', '..', tier, file)));

test.each(Object.entries(ELSEWHERE))('%s has its tests', (_item, files) => {
  const missing = files.filter((file) => !isThere(file));
  expect(missing).toEqual([]);
});

describe('API3: no property that is not the caller’s to set', () => {
  const ofRecord = Object.keys(propertiesOf({ $ref: '#/components/schemas/TaskRecord' }));
  const inward = [
    'dispatch',
    'dedup_hash',
    'actor',
    'namespaces',
    'scopes',
    'matched',
    '__proto__',
    'constructor',
  ];

  test.each(withBody.map((located) => [`${located.method} ${located.path}`, located] as const))(
    '%s',
    async (_name, located) => {
      const before = await counts(pool);
      for (const [place, body] of places(located)) {
        const known = knownIn(located, place);
        const unknown = [...ofRecord, ...inward].filter((field) => !known.includes(field));
        expect(unknown.length).toBeGreaterThan(10);
        for (const field of unknown) {
          const text = JSON.stringify(body).replace('"@here":0', `${JSON.stringify(field)}:"x"`);
          const { status, text: answer } = await exchange(api.url, request(located, { text }));
          const { details, items } = JSON.parse(answer);
          const told = status === 200 ? items[0].errors : details;
          // A prototype key is found while the body is read, which then is refused as a whole.
          expect([status, told[0].path]).toEqual([
            place === '/items/0' && field !== '__proto__' ? 200 : 400,
            `/body${place}/${field}`,
          ]);
        }
      }
      expect(await counts(pool)).toEqual(before);
    },
  );

  /** Where in a body there are fields, with the example that has a mark there. */
  function places(located: Located): [string, unknown][] {
    const example = located.operation.requestBody?.content['application/json']?.example as Record<
      string,
      unknown
    >;
    const { items, filter } = example;
    const marked = { '@here': 0 };
    return [
      ['', { ...example, ...marked }],
      ...(Array.isArray(items)
        ? [['/items/0', { items: [{ ...items[0], ...marked }] }] as [string, unknown]]
        : []),
      ...(filter === undefined
        ? []
        : [['/filter', { ...example, filter: { ...(filter as object), ...marked } }] as [string, unknown]]),
    ];
  }

  function knownIn(located: Located, place: string): string[] {
    let schema = resolved(located.operation.requestBody?.content['application/json']?.schema ?? {});
    if (place === '/items/0') schema = resolved((propertiesOf(schema).items?.items ?? {}) as JsonSchema);
    if (place === '/filter') schema = resolved(propertiesOf(schema).filter ?? {});
    return Object.keys(propertiesOf(schema));
  }
});

function resolved(schema: JsonSchema): JsonSchema {
  const name =
    String(schema.$ref ?? '')
      .split('/')
      .at(-1) ?? '';
  return name === '' ? schema : resolved(document.components.schemas[name] ?? {});
}

/** The properties of a schema, and of all that it is made of. */
function propertiesOf(given: JsonSchema): Record<string, JsonSchema> {
  const { properties = {}, allOf = [] } = resolved(given);
  return Object.assign({}, ...(allOf as JsonSchema[]).map(propertiesOf), properties);
}

describe('API4: everything has an end', () => {
  const parameters = operations.flatMap(({ path, method, operation }) =>
    operation.parameters.map((one) => [`${method} ${path} ${one.name}`, one] as const),
  );

  test('of what a request can ask for', () => {
    const fields = withBody.flatMap(({ operation }) => {
      const body = resolved(operation.requestBody?.content['application/json']?.schema ?? {});
      const filter = propertiesOf(resolved(propertiesOf(body).filter ?? {}));
      return Object.entries({ ...propertiesOf(body), ...filter });
    });
    const own = fields.filter(
      ([name]) => !['payload', 'context', 'filter', 'resolution_data'].includes(name),
    );
    const given = parameters.map(([name, { schema }]) => [name, schema] as const);
    expect([...given, ...own].filter(([, schema]) => !isBounded(schema)).map(([name]) => name)).toEqual([]);
  });

  test.each(
    parameters
      .filter(([, { name }]) => name === 'page_size')
      .map(([, one], index) => [pagedAt(index), one] as const),
  )('of a page of %s', async (path, { schema }: Parameter) => {
    const most = Number(schema.maximum);
    const there = path.replace('{id}', known.id).replace('{schedule_id}', KNOWN_SCHEDULE);
    const ask = (size: number) => api.call('GET', `${there}?page_size=${size}`, undefined, as('ann of *'));
    expect([(await ask(most)).status, (await ask(most + 1)).status]).toEqual([200, 400]);
  });

  function pagedAt(index: number): string {
    const paged = operations.filter(({ operation }) =>
      operation.parameters.some(({ name }) => name === 'page_size'),
    );
    return paged[index]?.path ?? '';
  }

  test('of every list, however much there is', async () => {
    await fillLists(pool, 1_100, known.id);
    for (const located of guarded.filter(({ method }) => method === 'get')) {
      const { status, headers, text } = await exchange(api.url, request(located));
      expect([located.path, status]).toEqual([located.path, 200]);
      if (headers['content-type']?.startsWith('text/event-stream') === true) continue;
      const long = Object.entries(JSON.parse(text) as object)
        .filter(([, value]) => Array.isArray(value) && value.length > 1_000)
        .map(([name]) => name);
      expect([located.path, long]).toEqual([located.path, []]);
    }
  });
});

function isBounded(given: JsonSchema): boolean {
  const schema = resolved(given);
  if (schema.type === 'boolean' || 'enum' in schema || 'format' in schema) return true;
  const [type] = [schema.type].flat();
  if (type === 'string') return 'maxLength' in schema;
  if (type === 'array') return 'maxItems' in schema;
  return 'minimum' in schema && 'maximum' in schema;
}

describe('API5: each scope alone', () => {
  /** Beside the table of routes, so that one of them has to be wrong on purpose. */
  function wanted({ method, path }: Located): string {
    const isSubmission = /^\/v1\/tasks(\/\w+\.\w+(\/batch)?)?$/.test(path);
    if (path === '/v1/principal') return 'any';
    if (path === '/v1/stream-tickets' || path === '/v1/schedules/preview') return 'read';
    if (method === 'get') return path === '/v1/audit' || path.startsWith('/v1/bulk/') ? 'operate' : 'read';
    return method === 'post' && isSubmission ? 'submit' : 'operate';
  }

  test.each(SCOPES)('%s opens its routes and no other', async (scope) => {
    // What may come in is refused for its query, and changes nothing.
    const changed: Partial<ApiRequest> = { query: [['nobody_knows', 'a']] };
    for (const located of guarded) {
      const sent = request(located, changed, `ann of * may ${scope}`);
      const { status } = await exchange(api.url, sent);
      expect([sent.method, located.path, status]).toEqual([
        sent.method,
        located.path,
        [scope, 'any'].includes(wanted(located)) ? 400 : 403,
      ]);
    }
  });

  test('every route has been asked', () => {
    const asked = guarded.map(({ method, path }) => `${method} ${path}`);
    const unasked = ROUTES.filter(({ method, path, policy }) => {
      if (policy === 'signed') return false;
      const pattern = new RegExp(`^${method} ${path.replaceAll(/:\w+/g, '[^/]+')}$`);
      return !asked.some((one) => pattern.test(one));
    });
    expect(unasked).toEqual([]);
  });
});
