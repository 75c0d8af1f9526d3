import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { portsFor } from '../../support/checkout/checkout.ts';
import { type Typed, type } from '../../support/checkout/newcomer.ts';
import { buildPackage, installPackage } from '../../support/checkout/package.ts';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { UNLIMITED } from '../../support/unlimited.ts';
import { until } from '../../support/until.ts';

/** A project with the built package, in which `errand dev` runs. */
export type DevProject = {
  readonly folder: string;
  readonly scratch: string;
  readonly ports: Record<string, string>;
  write(path: string, text: string): void;
  remove(path: string): void;
  /** Types `errand dev`, and waits until it is up. */
  dev(environment: Record<string, string>, ...flags: string[]): Promise<Typed>;
  /** Submits a task, and waits for it unless `wait` is 0. Gives the status and the task. */
  submit(name: string, payload?: object, wait?: number): Promise<Answer>;
  get(id: string): Promise<Answer['task']>;
};

export type Answer = {
  status: number;
  task: { id: string; state: string; result: { said?: string } | null } | undefined;
};

export async function devProject(): Promise<DevProject> {
  const scratch = scratchFolder(0o755);
  const folder = join(scratch, 'project');
  const ports = await portsFor();
  const api = `http://127.0.0.1:${ports.SERVER_PORT}/v1/tasks`;
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write('package.json', '{ "name": "project", "private": true, "type": "module" }');
  write('errand.config.ts', CONFIG);
  write('tsconfig.json', TSCONFIG);
  mkdirSync(join(folder, 'tasks'));
  installPackage(await buildPackage(scratch), folder);
  return {
    ...{ folder, scratch, ports, write },
    remove: (path) => rmSync(join(folder, path)),
    dev: async (environment, ...flags) => {
      const bin = join(folder, 'node_modules', 'errand', 'bin', 'errand.js');
      const command = [process.execPath, bin, 'dev', ...flags].join(' ');
      const run = type(command, folder, { ...UNLIMITED, ...ports, ...environment });
      await until('errand dev is up', () => run.hasEnded() || run.output().includes('Ctrl-C to stop'));
      if (run.hasEnded()) throw new Error(`errand dev has ended:\n${run.output()}`);
      return run;
    },
    submit: async (name, payload = {}, wait = 30) => {
      const answer = await fetch(`${api}/${name}?wait=${wait}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ payload }),
      });
      const { task } = (await answer.json()) as { task?: Answer['task'] };
      return { status: answer.status, task };
    },
    get: async (id) => {
      const answer = await fetch(`${api}/${id}`);
      return (await answer.json()) as Answer['task'];
    },
  };
}

export const CONFIG = `import { defineConfig } from 'errand';
export default defineConfig({ tasks: ['./tasks'] });
`;

const TSCONFIG = JSON.stringify({
  compilerOptions: {
    ...{ target: 'es2024', module: 'nodenext', strict: true, noEmit: true, types: ['node'] },
    ...{ allowImportingTsExtensions: true, skipLibCheck: true },
  },
  include: ['tasks'],
});

/** The file of a task that is executed for each submission. */
export const definition = (name: string): string => `import { defineTask } from 'errand';
import { z } from 'zod';
export const task = defineTask({
  name: '${name}', version: '1.0.0', description: 'For a test', policy: { dedup: { strategy: 'none' } },
  payload: z.object({ file: z.string().optional() }), result: z.object({ said: z.string() }), example: {},
});
`;

/** The file of its handler. */
export const handler = (
  name: string,
  said: string,
  before = '',
): string => `import { defineHandler } from 'errand';
import { task } from './${name}.task.ts';
${before}
export default defineHandler(task, () => ({ said: ${said} }));
`;
