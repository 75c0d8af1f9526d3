import { execFile } from 'node:child_process';
import { compilerOf } from '../project/compiler.ts';
import { type Part, unchecked } from './findings.ts';
import { counted } from './project.ts';

const MAX_OUTPUT_BYTES = 16 * 1_024 * 1_024;

/** Checks the types of a project with its own TypeScript. */
export async function checkTypes(directory: string): Promise<Part> {
  const compiler = compilerOf(directory);
  if (compiler === null)
    return unchecked('the types were not checked: the project has no TypeScript, or no tsconfig.json');
  const args = [compiler.script, '--noEmit', '--pretty', 'false'];
  const { ok, output } = await run(args, directory);
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  // Lines that begin with a space explain the one before.
  const errors = lines.reduce<string[]>((all, line) => {
    if (/^\s/.test(line) && all.length > 0) all.push(`${all.pop()}\n${line}`);
    else all.push(line);
    return all;
  }, []);
  const problems = ok ? [] : errors.map((message) => ({ kind: 'types' as const, message }));
  const found = ok ? '' : `: ${counted(problems.length, 'error')}`;
  return {
    summary: `the types, with TypeScript ${compiler.version}${found}`,
    isChecked: true,
    problems,
    warnings: [],
  };
}

function run(args: string[], cwd: string): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      resolve({ ok: error === null, output: output === '' ? (error?.message ?? '') : output });
    });
  });
}
