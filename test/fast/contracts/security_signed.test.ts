import { expect, test } from 'vitest';
import { SCOPES } from '../../../api/auth/principal.ts';
import { buildOpenApi } from '../../../api/openapi/build.ts';
import { ROUTES } from '../../../api/operations.ts';
import { definitions } from '../../../tasks/index.ts';
import { startApi } from '../../support/api.ts';
import { testConfig } from '../../support/api_options.ts';
import { createDatabase } from '../../support/database.ts';
import { counts } from '../api/ledger.ts';
import { as, authenticateByWords } from '../api/principals.ts';
import { SENDERS } from '../api/webhooks/webhook_senders.ts';
import { exchange } from './exchange.ts';
import { operationsOf } from './requests.ts';
import { isSigned, signed } from './signed.ts';
import { inPath, requestFor } from './statuses_requests.ts';

// OWASP API2 and API5 of 2023, for what asks for a signature: no other credentials count, and without any it is enough.

const { pool } = await createDatabase();
const api = await startApi(pool, { authenticate: authenticateByWords, config: testConfig(SENDERS) });
const operations = operationsOf(buildOpenApi(definitions)).filter(isSigned);
const things = inPath({ id: '', stepId: '' });

test.each(operations.map((located) => [located.path, located] as const))(
  '%s is opened by a signature, and by no scope',
  async (_path, located) => {
    const request = requestFor(located, things);
    const before = await counts(pool);
    for (const words of ['ann of *', 'ann of ci', ...SCOPES.map((scope) => `ann of * may ${scope}`)]) {
      for (const more of [{}, { 'x-hub-signature-256': 'sha256=x', 'webhook-signature': 'v1,x' }]) {
        const headers = { ...request.headers, ...as(words), ...more };
        const { status, text } = await exchange(api.url, { ...request, headers });
        expect([words, status, JSON.parse(text).code]).toEqual([words, 401, 'UNAUTHORIZED']);
      }
    }
    expect(await counts(pool)).toEqual(before);
    expect((await exchange(api.url, signed(request))).status).toBe(201);
  },
);

test('these are all that ask for one', () => {
  const routes = ROUTES.filter(({ policy }) => policy === 'signed').map(({ path }) => path);
  expect(routes.map((path) => path.replace(/:(\w+)/, '{$1}')).toSorted()).toEqual(
    operations.map(({ path }) => path).toSorted(),
  );
});
