import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { ROOT } from '../../support/checkout/documents.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { until } from '../../support/until.ts';
import { start, startPool } from './errand.ts';
import { openTerminal } from './terminal.ts';

// Completion in the real shells, with an API that knows the names.

const { api } = await startPool();
const folder = scratchFolder(0o755);
afterAll(() => removeScratch(folder));
writeFileSync(
  join(folder, 'errand'),
  `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'bin', 'errand.js')}' "$@"\n`,
);
chmodSync(join(folder, 'errand'), 0o755);
const PATH = [folder, process.env.PATH ?? ''].join(delimiter);
const execute = promisify(execFile);
/** A busy machine may need longer than somebody at a key would wait. */
const UNHURRIED = { ERRAND_COMPLETION_MS: '120000' };

/** What bash offers for a line with the cursor at its end, as its own function gives it. */
async function offeredByBash(line: string, environment: Record<string, string> = {}): Promise<string[]> {
  const lines = `
source <(errand completion bash)
COMP_LINE=${JSON.stringify(line)}
read -r -a COMP_WORDS <<< "\${COMP_LINE//=/ = }"
[[ $COMP_LINE == *' ' || $COMP_LINE == *'=' ]] && [[ \${COMP_WORDS[-1]} != '=' ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_errand
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { PATH, ERRAND_URL: api.url, HOME: folder, ...UNHURRIED, ...environment };
  const { stdout } = await execute('bash', ['--norc', '-c', lines], { env, cwd: folder });
  return stdout.split('\n').filter((word) => word !== '');
}

test('bash completes commands, options, states, and names and ids from the API', async () => {
  const { body } = await api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'x' } });
  await api.call('PUT', '/v1/schedules/example.nightly', {
    task: 'example.now',
    payload: {},
    cron: '@daily',
  });
  const [commands, options, states, names, namespaces, ids, shells, schedules] = await Promise.all([
    offeredByBash('errand re'),
    offeredByBash('errand list --finished-'),
    offeredByBash('errand list --state=fa'),
    offeredByBash('errand submit example.e'),
    offeredByBash('errand list --namespace ex'),
    offeredByBash('errand get '),
    offeredByBash('errand completion '),
    offeredByBash('errand schedules explain '),
  ]);
  expect(commands.sort()).toEqual(['resubmit', 'resume', 'retry']);
  expect(options).toEqual(['--finished-from', '--finished-to']);
  expect(states).toEqual(['failed']);
  expect(names).toEqual(['example.echo']);
  expect(namespaces).toEqual(['example']);
  expect(ids).toEqual([body.task.id]);
  expect(shells).toEqual(['bash', 'zsh']);
  expect(schedules).toEqual(['example.nightly']);
});

test('without an API it offers no names and writes nothing', async () => {
  expect(await offeredByBash('errand submit ex', { ERRAND_URL: 'http://127.0.0.1:9' })).toEqual([]);
  const ended = await start(['__complete', 'bash', 'submit', ''], {
    environment: { ERRAND_URL: 'http://127.0.0.1:9' },
    input: '',
  }).ended;
  expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('in an interactive bash, Tab completes the line', async () => {
  const shell = await openTerminal('bash --norc --noprofile', {
    columns: 120,
    rows: 24,
    environment: { ...UNHURRIED, PATH, ERRAND_URL: api.url, PS1: '> ' },
  });
  await shell.shows(/> $/);
  shell.type('source <(errand completion bash)\n');
  await shell.shows(/> $/);
  shell.type('errand submit example.ec\t');
  await shell.shows(/submit example\.echo /);
  shell.type('\u0015exit\n');
  expect(await shell.ended).toBe(0);
});

test('in an interactive zsh, Tab completes the line and lists with descriptions', async () => {
  const shell = await openTerminal('zsh -f', {
    columns: 120,
    rows: 24,
    environment: { ...UNHURRIED, PATH, ERRAND_URL: api.url, PS1: 'ready> ', HOME: folder, ZDOTDIR: folder },
  });
  await shell.shows(/ready> /);
  shell.type('source <(errand completion zsh); echo loaded\n');
  await shell.shows(/\nloaded/);
  shell.type('errand submit example.ec\t');
  await until('the name is complete', () =>
    shell
      .output()
      .replaceAll(/␛\[[\d;?]*[A-Za-z]/g, '')
      .includes('example.echo'),
  );
  shell.type('\u0015errand re\t\t');
  await shell.shows(/resume +-- Start tasks/);
  shell.type('\u0015exit\n');
  expect(await shell.ended).toBe(0);
});
