import { expect, test } from 'vitest';
import { buildOpenApi } from '../../../../api/openapi/build.ts';
import { policyOf } from '../../../../api/operations.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { withExamples } from '../../contracts/requests.ts';
import { as, authenticateByWords } from '../principals.ts';

const document = buildOpenApi(definitions);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
const { pool } = await createDatabase();

test('the document says of every operation which credentials it needs, with the scope of its policy', () => {
  expect(Object.keys(document.components.securitySchemes)).toEqual(['bearer', 'apiKey']);
  for (const { path, method, operation } of operations) {
    const policy = policyOf(method, path);
    const isOpen = policy === 'open' || policy === 'signed';
    const scopes = policy === 'known' ? [] : [policy];
    expect(operation.security ?? document.security, `${method} ${path}`).toEqual(
      isOpen ? [] : [{ bearer: scopes }, { apiKey: scopes }],
    );
  }
});

test('just the process, its docs and signed webhooks need none', () => {
  const open = operations.filter(({ operation }) => (operation.security ?? document.security).length === 0);
  expect([...new Set(open.map(({ path }) => path.split('/').slice(1, 3).join('/')))].sort()).toEqual([
    'docs',
    'health',
    'health/detailed',
    'health/live',
    'health/ready',
    'live',
    'metrics',
    'openapi.yaml',
    'ready',
    'v1/webhooks',
  ]);
});

// The validator of requests lets everybody in for a scheme that it has no handler for: it must not be what asks.
test.each(
  operations.map(({ method, path, operation }) => [`${method} ${path}`, method, path, operation] as const),
)(
  'without credentials %s is refused just if the document asks for some',
  async (_name, method, path, operation) => {
    const api = await guarded;
    const { requestBody } = operation;
    const example = requestBody && withExamples(document, requestBody).content['application/json']?.example;
    const url = path.replaceAll(/\{\w+\}/g, '019c0000-0000-7000-8000-000000000000');
    const asks = (operation.security ?? document.security).length > 0;
    const { status } = await api.call(method.toUpperCase(), url, example);
    const isSigned = policyOf(method, path) === 'signed';
    if (isSigned) expect([401, 404, 503]).toContain(status);
    else expect(status === 401).toBe(asks);
    // Where any credentials will do, no scope is missing.
    if (!asks || policyOf(method, path) === 'known') return;
    const wrong = await api.call(method.toUpperCase(), url, example, as('ann of * may nothing'));
    expect(wrong.status).toBe(403);
  },
);
const guarded = startApi(pool, { authenticate: authenticateByWords });
