import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseResult, type IFlattenedRuleSet, type IViolation } from 'dependency-cruiser';
import { orderRules } from './order.ts';
import { projectFiles } from './project_files.ts';

const RULES = join(import.meta.dirname, '..', '.dependency-cruiser.json');

/**
 * The imports in a checkout that .dependency-cruiser.json or the order of folders forbids: one line
 * each.
 *
 * dependency-cruiser reads TypeScript through TypeScript's API, which version 7 does not have yet.
 * So it gets the code as Node runs it, without types, but with the type imports between our files,
 * because these count too.
 */
export async function importProblems(root: string): Promise<string[]> {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), 'errand-imports-')));
  try {
    const scripts = projectFiles(root).filter((file) => file.endsWith('.ts'));
    for (const file of scripts) writeScript(copy, file, readFileSync(join(root, file), 'utf8'));
    const { forbidden } = JSON.parse(readFileSync(RULES, 'utf8')) as IFlattenedRuleSet;
    const { output } = await cruise(scripts.map(toJavaScriptName), {
      baseDir: copy,
      validate: true,
      ruleSet: { forbidden: [...(forbidden ?? []), ...orderRules()] },
    });
    return (output as ICruiseResult).summary.violations.map(describe);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function writeScript(copy: string, file: string, source: string): void {
  const path = join(copy, toJavaScriptName(file));
  mkdirSync(dirname(path), { recursive: true });
  const typesKept = source.replace(/^(import|export) type (?=[\w{*][^;]*from '\.)/gm, '$1 ');
  writeFileSync(path, stripTypeScriptTypes(typesKept).replace(/'(\.[^'\n]*\.)ts'/g, "'$1js'"));
}

function toJavaScriptName(file: string): string {
  return file.replace(/\.ts$/, '.js');
}

function describe({ rule, from, to, cycle, via }: IViolation): string {
  const path = (cycle ?? via ?? []).map(({ name }) => name);
  const line = `${rule.name}: ${from} → ${path.length > 0 ? path.join(' → ') : to}`;
  return line.replaceAll(/\.js\b/g, '.ts');
}
