import { expect, test } from 'vitest';
import { buildOpenApi } from '../../../api/openapi/build.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions } from '../../../tasks/index.ts';
import { startApi } from '../../support/api.ts';
import { testConfig } from '../../support/api_options.ts';
import { createDatabase } from '../../support/database.ts';
import { as, authenticateByWords } from '../api/principals.ts';
import { SENDERS } from '../api/webhooks/webhook_senders.ts';
import { exchange, type Received } from './exchange.ts';
import { type ApiRequest, encode, type Located, operationsOf } from './requests.ts';
import { signed } from './signed.ts';
import {
  inPath,
  requestFor,
  storeKnownLimit,
  storeKnownSchedule,
  submitWithStep,
} from './statuses_requests.ts';

// OWASP API8 of 2023, security misconfiguration: no answer tells what it is made of.

const { pool } = await createDatabase();
/** Has nothing of ours: Postgres refuses each statement, in words that quote it. */
const empty = await createDatabase('template0');
await registerDefinitions(pool, definitions);
const known = await submitWithStep(pool);
await storeKnownLimit(pool);
await storeKnownSchedule(pool);
const options = { authenticate: authenticateByWords, config: testConfig(SENDERS) };
const api = await startApi(pool, options);
const onNothing = await startApi(empty.pool, options);
const operations = operationsOf(buildOpenApi(definitions));

function request(located: Located, changed: Partial<ApiRequest> = {}): ApiRequest {
  const made = { ...requestFor(located, inPath(known)), ...changed };
  return signed({ ...made, headers: { ...made.headers, ...as('ann of *') } });
}

const INWARD =
  /\bat \S+ \(|file:\/\/|node_modules|\.[jt]s\b|42P01|relation "|schema "|\bselect\b.*\bfrom\b|insert into/i;

function expectNoLeak(located: Located, { status, headers, text }: Received): void {
  // The time of day would look like a line and column.
  const { date: _date, ...shown } = headers;
  const told = `${JSON.stringify(shown)} ${status >= 400 || located.path.startsWith('/v1/') ? text : ''}`;
  expect([located.path, status, INWARD.exec(told)?.[0]]).toEqual([located.path, status, undefined]);
  expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'SAMEORIGIN' });
  expect(headers['content-security-policy']).toMatch(/default-src 'self'/);
  expect([headers['x-powered-by'], headers.server]).toEqual([undefined, undefined]);
  expect(headers['access-control-allow-origin']).not.toBe('*');
}

test.each(operations.map((located) => [`${located.method} ${located.path}`, located] as const))(
  '%s',
  async (_name, located) => {
    const broken = await exchange(onNothing.url, request(located));
    // The caller is known without a statement.
    const reads = located.path.startsWith('/v1/') && located.path !== '/v1/principal';
    expect(broken.status).toBe(reads ? 500 : 200);
    expectNoLeak(located, broken);
    for (const changed of [
      {},
      { query: [['a', '%zz']] },
      { query: [[encode("a'--"), encode("'; select 1")]] },
      { text: '{' },
    ]) {
      expectNoLeak(located, await exchange(api.url, request(located, changed as Partial<ApiRequest>)));
    }
  },
);
