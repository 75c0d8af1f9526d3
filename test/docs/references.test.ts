import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { buildOpenApi } from '../../api/openapi/build.ts';
import { SOCKET_PATH } from '../../api/operations.ts';
import { definitions } from '../../tasks/index.ts';
import { documentText, ROOT, section, tableRows } from './documents.ts';

const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT });
const { scripts } = JSON.parse(documentText('package.json')) as { scripts: Record<string, string> };

test('README leads to every other document', () => {
  const linked = [...documentText('README.md').matchAll(/\]\(([^):]+\.md)\)/g)].map(([, target]) => target);
  expect(documents).toContain('docs/architecture.md');
  expect(['README.md', ...linked]).toEqual(expect.arrayContaining(documents));
});

test.each(documents)('%s names scripts that exist and files that are there', (document) => {
  const text = documentText(document);
  for (const [, script = ''] of text.matchAll(/npm run ([\w-]+)/g))
    expect(Object.keys(scripts)).toContain(script);
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
    expect([target, existsSync(join(ROOT, dirname(document), target))]).toEqual([target, true]);
  }
  // Files that are named as code, a folder before them or not: not the words of a task's name.
  for (const [, file = ''] of text.matchAll(/`([\w.-]+\/[\w./-]+\.(?:ts|sql|yaml|json|md))`/g)) {
    if (!/^tasks\/text\.(reverse|longest)\./.test(file))
      expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
  }
});

test.each(Object.entries(scripts))('the script %s runs files that are there', (_name, command) => {
  for (const [file] of command.matchAll(/[\w./]+\.ts\b/g)) {
    expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
  }
});

test("README's operations are those of the API", () => {
  const rows = tableRows(section(documentText('README.md'), 'The API at a glance'));
  const documented = rows.flatMap(([operations = '']) => operations.replaceAll('`', '').split(', '));
  const described = Object.entries(buildOpenApi(definitions).paths).flatMap(([path, methods]) => {
    const general = path.replace(/^\/v1\/tasks\/[a-z_]+\.[a-z._-]+/, '/v1/tasks/{name}');
    return Object.keys(methods).map((method) => `${method.toUpperCase()} ${general}`);
  });
  expect(documented.sort()).toEqual([...new Set([...described, `GET ${SOCKET_PATH}`])].sort());
});
