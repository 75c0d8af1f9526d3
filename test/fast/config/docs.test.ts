import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeVariables } from '../../../config/describe.ts';
import { configTable, envExample, withTable } from '../../../config/docs.ts';
import { parseConfig } from '../../../config/load.ts';
import { variables } from '../../../config/schema.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const STALE = 'stale: run `npm run config-docs`';

function read(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}

describe('.env.example', () => {
  test('is what the schema says today', () => {
    expect(read('.env.example'), STALE).toBe(envExample());
  });

  test('has every variable of the schema, and the schema every variable of it', () => {
    const documented = [...read('.env.example').matchAll(/^# ([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(documented.toSorted()).toEqual(Object.keys(variables).toSorted());
  });

  test('sets nothing as it is, and when all of it is uncommented the defaults', () => {
    expect(parseEnv(read('.env.example'))).toEqual({});
    const uncommented = parseEnv(read('.env.example').replaceAll(/^# ([A-Z_]+=)/gm, '$1'));
    expect(Object.keys(uncommented).toSorted()).toEqual(Object.keys(variables).toSorted());
    expect(parseConfig(uncommented as Record<string, string>)).toMatchObject(parseConfig({}));
  });
});

describe('docs/guides/configuration.md', () => {
  test('has the table of today', () => {
    expect(withTable(read('docs/guides/configuration.md')), STALE).toBe(read('docs/guides/configuration.md'));
  });

  test('the rest of it stays, however often the table is written', () => {
    const once = withTable('before\n<!-- config:start -->\nold\n<!-- config:end -->\nafter\n');
    expect(once).toBe(`before\n<!-- config:start -->\n${configTable()}\n<!-- config:end -->\nafter\n`);
    expect(withTable(once)).toBe(once);
  });

  test('without the markers it is an error', () => {
    for (const guide of [
      '',
      '<!-- config:start -->',
      '<!-- config:end -->',
      '<!-- config:end --><!-- config:start -->',
    ]) {
      expect(() => withTable(guide)).toThrow('configuration.md has no <!-- config:start -->');
    }
  });
});

test('every variable says what it is for and what it accepts, from its schema', () => {
  const described = describeVariables();
  expect(described.map(({ name }) => name)).toEqual(Object.keys(variables));
  for (const { name, purpose, accepts } of described) {
    expect([name, purpose]).toEqual([name, expect.stringMatching(/^[\w`].*[^.]$/)]);
    expect([name, accepts]).toEqual([name, expect.not.stringContaining('undefined')]);
    expect(`${purpose}${accepts}`).not.toMatch(/[|\n]/);
  }
});

test('`npm run config-docs` writes both, and changes nothing when it is run again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'errand-docs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(ROOT, 'config'), join(folder, 'config'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const write = async (): Promise<(string | null)[]> => {
    await promisify(execFile)(process.execPath, [join(folder, 'config', 'write_docs.ts')]);
    const guide = join(folder, 'docs', 'guides', 'configuration.md');
    return [
      readFileSync(join(folder, '.env.example'), 'utf8'),
      existsSync(guide) ? readFileSync(guide, 'utf8') : null,
    ];
  };
  expect(await write()).toEqual([envExample(), null]);
  mkdirSync(join(folder, 'docs', 'guides'), { recursive: true });
  writeFileSync(
    join(folder, 'docs', 'guides', 'configuration.md'),
    '# Here\n<!-- config:start --><!-- config:end -->\n',
  );
  const written = await write();
  expect(written).toEqual([
    envExample(),
    `# Here\n<!-- config:start -->\n${configTable()}\n<!-- config:end -->\n`,
  ]);
  expect(await write()).toEqual(written);
});
