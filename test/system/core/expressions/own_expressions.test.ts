import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { parse, type Token } from 'acorn';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { projectFiles } from '../../../../.ci/project_files.ts';
import { configSchema } from '../../../../config/schema.ts';
import { expressionsOf } from '../../../../core/expressions/find.ts';
import { timeOf } from '../../../../core/expressions/time.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const PRODUCT = /^(api|client|config|core|embedded|process|runner|store|tasks)\/.*\.ts$/;

/** The expressions of ours whose time grows with the square of a text, and why no text makes them slow. */
const SQUARE: Record<string, string> = {
  'client/requests/exchange.ts /\\/+$/': "the caller's own base URL",
  'tasks/ci/build.ts /\\/+$/': "a prefix of the operator's CI_REPOSITORIES",
  'core/definitions/version.ts /(\\.0+)+$/': 'a version has 32 characters',
  'core/json/json_text.ts /^-?(\\d+)\\.?(\\d*)(?:[eE]([-+]?\\d+))?$/':
    'a number of JSON: all of it matches at once',
  'core/json_schema/keywords.ts /\\\\.|\\[(?:\\\\.|[^\\]\\\\])*\\]|\\{\\d+,?\\d*\\}|\\(\\?[:=]|./gs':
    'the text of an expression of a definition',
  'core/json_schema/keywords.ts /^(?:\\.|\\\\[DSW]|\\[\\^.*\\]|\\[.*\\\\[DSW].*\\])$/s':
    'a class of an expression of a definition',
  'store/database/migration_files.ts /\\bas \\$\\$.*?\\$\\$;/gs': 'a file of migrations/',
  'store/doctor/manifest.ts /(?:\\w+|"[^"]+")\\.gin_trgm_ops/g': 'an index as Postgres writes it',
};

/** Where product files make expressions of text, and what those are matched with. */
const MADE: Record<string, string> = {
  'api/routing.ts': 'of the table of operations: see the paths below',
  'config/addresses.ts': 'of a setting: see below',
  'config/schema.ts': 'of a setting: see below',
  'config/webhook_secrets.ts': 'of a setting: see below',
  'core/json_schema/keywords.ts': 'whether it is one at all: nothing is matched with it',
  'core/payload_condition.ts': 'a condition of a request: the document has the same',
  'core/schedules/schedule.ts': 'names of ours, in messages of ours',
  'store/database/schemas.ts': 'statements of ours',
};

/** The expressions that stand in a script. */
function literals(code: string): RegExp[] {
  const found: RegExp[] = [];
  parse(code, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    onToken: (token) => {
      // What a token holds is not in acorn's types.
      const { type, value } = token as Token & { value: { pattern: string; flags: string } };
      if (type.label === 'regexp') found.push(new RegExp(value.pattern, value.flags));
    },
  });
  return found;
}

/** The expressions that are not linear, each with its place; of these none may be exponential or unknown. */
function slow(expressions: readonly (readonly [place: string, expression: RegExp])[]): string[] {
  return expressions.flatMap(([place, expression]) => {
    const time = timeOf(expression);
    const name = `${place} ${expression}`;
    if (time.kind === 'linear') return [];
    return [time.kind === 'polynomial' && time.degree === 2 ? name : `${time.kind}: ${name}`];
  });
}

const scripts = projectFiles(ROOT)
  .filter((file) => PRODUCT.test(file))
  .map((file) => ({ file, code: stripTypeScriptTypes(readFileSync(join(ROOT, file), 'utf8')) }));
const document = readFileSync(join(ROOT, 'openapi.yaml'), 'utf8');

describe("Errand's own expressions take no long time with any text", () => {
  test('those that stand in its files', () => {
    const all = scripts.flatMap(({ file, code }) => literals(code).map((one) => [file, one] as const));
    expect(all.length).toBeGreaterThan(100);
    expect(slow(all).toSorted()).toEqual(Object.keys(SQUARE).toSorted());
  });

  test('files that make others of text are known', () => {
    const making = scripts.filter(({ code }) => /\bRegExp\(/.test(code)).map(({ file }) => file);
    expect(making).toEqual(Object.keys(MADE));
  });

  test('those of settings', () => {
    const found = expressionsOf('setting', configSchema).map(
      ({ place, expression }) => [place, expression] as const,
    );
    expect(found.length).toBeGreaterThan(10);
    expect(slow(found)).toEqual([]);
  });

  test('those of paths and in the OpenAPI document, which requests are held against', () => {
    const found: [string, RegExp][] = [];
    const { paths } = parseYaml(document, (key, value: unknown) => {
      if (key === 'pattern' && typeof value === 'string') found.push(['pattern', new RegExp(value, 'u')]);
      return value;
    }) as { paths: Record<string, unknown> };
    expect(found.length).toBeGreaterThan(20);
    for (const path of Object.keys(paths))
      found.push(['path', new RegExp(`^${path.replaceAll(/\{\w+\}/g, '([^/]+)')}/?$`, 'i')]);
    expect(slow(found)).toEqual([]);
  });
});

describe("expressions of Zod's own formats take no long time with any text", () => {
  test('those of Zod 4', () => {
    const made = [z.iso.datetime(), z.iso.time(), z.iso.datetime({ offset: true, local: true }), z.mac()].map(
      (schema) => ['made', schema._zod.def.pattern as RegExp] as const,
    );
    const given = Object.entries(z.regexes).flatMap(([name, one]) =>
      one instanceof RegExp ? [[name, one] as const] : [],
    );
    expect(given.length).toBeGreaterThan(30);
    expect(slow([...given, ...made])).toEqual([]);
  });

  test('those of zod/v3', () => {
    const found = literals(readFileSync(join(ROOT, 'node_modules/zod/v3/types.js'), 'utf8'));
    expect(found.length).toBeGreaterThan(10);
    expect(slow(found.map((one) => ['v3', one]))).toEqual([]);
  });
});
