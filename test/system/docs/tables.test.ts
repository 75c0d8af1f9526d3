import { expect, test } from 'vitest';
import { buildOpenApi } from '../../../api/openapi/build.ts';
import { SOCKET_PATH } from '../../../api/operations.ts';
import { optionsSchema } from '../../../api/submit/submission_schema.ts';
import { policySchema } from '../../../core/definitions/policy.ts';
import { REASON_CODES } from '../../../core/explain/explain_facts.ts';
import { definitions } from '../../../tasks/index.ts';
import { documentText, section, tableRows } from '../../support/checkout/documents.ts';

/** The words in the first column of the tables below a heading of a guide, sorted. */
function firstColumn(guide: string, heading: string): string[] {
  const rows = tableRows(section(documentText(`docs/guides/${guide}.md`), heading));
  return rows.flatMap(([cell = '']) => cell.replaceAll('`', '').split(', ')).sort();
}

test('the operations of api.md are those of the API', () => {
  const described = Object.entries(buildOpenApi(definitions).paths).flatMap(([path, methods]) => {
    const general = path.replace(/^\/v1\/tasks\/[a-z_]+\.[a-z._-]+/, '/v1/tasks/{name}');
    return Object.keys(methods).map((method) => `${method.toUpperCase()} ${general}`);
  });
  expect(firstColumn('api', 'Operations')).toEqual([...new Set([...described, `GET ${SOCKET_PATH}`])].sort());
});

test('the options of submitting.md are those of a submission', () => {
  expect(firstColumn('submitting', 'One task')).toEqual(Object.keys(optionsSchema.shape).sort());
});

test('the fields of tasks-and-handlers.md are those of a policy', () => {
  const fields = Object.keys(policySchema.shape).sort();
  expect(firstColumn('tasks-and-handlers', 'The policy of a definition')).toEqual(fields);
});

test('the reasons of troubleshooting.md are those that explain gives', () => {
  const documented = new Set(firstColumn('troubleshooting', 'Why does a task not run?'));
  expect([...documented]).toEqual([...REASON_CODES].sort());
});
