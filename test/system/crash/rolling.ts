import { randomUUID } from 'node:crypto';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { call } from '../../support/api.ts';
import { copyOfCheckout, edit } from '../../support/checkout/checkout_copy.ts';
import { blocksOf, ROOT } from '../../support/checkout/documents.ts';
import { sourceProject } from '../../support/checkout/source_project.ts';
import type { History } from '../../support/history.ts';
import { startProcess, type TestProcess } from '../../support/processes.ts';

const [first = '', firstHandler = ''] = blocksOf('README.md', 'Your first task', 'ts', 2);
const [next = '', nextHandler = ''] = blocksOf('docs/guides/versions.md', 'Raise the version', 'ts', 2);

/** Starts a process of one version of the tasks. */
export type Release = (script: 'api' | 'runner', url: string) => Promise<TestProcess>;

/**
 * Two releases of a project: README's task, and the next version of it in the guide. In the second the workflow example.linear has
 * another version, too. Both are copies of this checkout, which are removed when the test is done.
 */
export function releases(): { old: Release; next: Release } {
  return {
    old: release(first, firstHandler, () => {}),
    next: release(next, nextHandler, (folder) =>
      edit(
        join(folder, 'tasks/example/example.linear.workflow.ts'),
        /version: '1\.0\.0'/,
        () => `version: '1.1.0'`,
      ),
    ),
  };
}

function release(definition: string, handler: string, more: (folder: string) => void): Release {
  const folder = copyOfCheckout();
  const files = { 'tasks/text.reverse.task.ts': definition, 'tasks/text.reverse.handler.ts': handler };
  const project = sourceProject(files, folder);
  more(folder);
  return (script, url) => startProcess(join(relative(ROOT, folder), script, 'main.ts'), url, project);
}

/** Ends a process as a deployment does, and waits until it has. */
export async function stop({ child, exited, output }: TestProcess): Promise<void> {
  child.kill('SIGTERM');
  const how = await exited;
  if (how !== 0) throw new Error(`A process ended with ${how}:\n${output()}`);
}

/** The APIs to which callers send: of the newer release, and of any. */
export type Front = { next: TestProcess[]; any: TestProcess[] };

const KINDS = {
  old: () => ({ name: 'text.reverse', body: { version: '1.0.0', payload: { text: randomUUID() } } }),
  next: () => ({ name: 'text.reverse', body: { version: '2.0.0', payload: { texts: [randomUUID()] } } }),
  workflow: () => ({
    name: 'example.linear',
    body: { payload: { number: Math.floor(Math.random() * 1_000) }, dedup: 'none' },
  }),
};

/**
 * A caller that submits tasks one after the other until `stopped`, of the older version, of the newer one where that is known, and
 * workflows. What gets no answer is sent again, with the same key, as soon as there is somebody to send it to.
 */
export async function submitUntil(stopped: AbortSignal, front: Front, history: History): Promise<void> {
  for (let turn = 0; !stopped.aborted; turn++) {
    const kind = turn % 8 === 7 ? 'workflow' : turn % 2 === 1 && front.next.length > 0 ? 'next' : 'old';
    const { name, body } = KINDS[kind]();
    const id = await submitOnce(stopped, () => (kind === 'next' ? front.next : front.any), name, body);
    if (id === null) history.unknown();
    else history.ok(id);
    await pause(THINKS_MS);
  }
}

/** Between two submissions of a caller: there is always something under way, and the machine has time for the deployment. */
const THINKS_MS = 250;

async function submitOnce(
  stopped: AbortSignal,
  apis: () => TestProcess[],
  name: string,
  body: object,
): Promise<string | null> {
  const key = randomUUID();
  for (let turn = 0; !stopped.aborted; turn++) {
    const all = apis();
    const api = all[turn % all.length];
    const headers = 'dedup' in body ? {} : { 'idempotency-key': key };
    const answer =
      api === undefined
        ? null
        : await call(api.url, 'POST', `/v1/tasks/${name}`, body, headers).catch(() => null);
    if (answer !== null && answer.status < 300) return answer.body.task.id;
    if (answer !== null && answer.status < 500)
      throw new Error(`${name} was refused with ${answer.status}: ${answer.text}`);
    await pause(20);
  }
  return null;
}

/** How often each task was executed by these runners, and what their handlers logged of it. */
export function executionsOf(
  runners: readonly TestProcess[],
): Map<string, { times: number; texts: boolean }> {
  const executions = new Map<string, { times: number; texts: boolean }>();
  for (const { output } of runners)
    for (const line of output().split('\n')) {
      if (!line.includes('"reversing"')) continue;
      const { task_id: id, texts } = JSON.parse(line) as { task_id: string; texts?: number };
      executions.set(id, { times: (executions.get(id)?.times ?? 0) + 1, texts: texts !== undefined });
    }
  return executions;
}
