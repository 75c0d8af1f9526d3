import { expect, test } from 'vitest';
import { candidatesFor } from '../../../../cli/completion/candidates.ts';
import { complete } from '../../../../cli/completion/complete.ts';
import { makeProgram } from '../../../../cli/program.ts';

const program = makeProgram('1.0.0');
const at = (...words: string[]) => candidatesFor(program, words.slice(0, -1), words.at(-1) ?? '');

test.each([
  [['submit', ''], 'names'],
  [['submit', '--priority', '5', ''], 'names'],
  [['submit', '--wait', ''], 'names'],
  [['get', ''], 'ids'],
  [['retry', 'x', 'y', ''], 'ids'],
  [['pause', 'b'], 'queues'],
  [['list', '--name', ''], 'names'],
  [['list', '--namespace', 'b'], 'namespaces'],
  [['list', '--name', '=', 'b'], 'names'],
  [['list', '--name', '='], 'names'],
  [['list', '--name=b'], 'names'],
  [['schedules', 'get', ''], 'schedules'],
  [['schedules', 'runs', '--outcome', 'skipped', ''], 'schedules'],
  [['schedules', 'set', 'a.b', '--task', ''], 'names'],
  [['audit', '--task', ''], 'ids'],
])('at the end of %j stand %s', (words, kind) => {
  expect(at(...words).kind).toBe(kind);
});

test.each([
  [['su'], ['submit']],
  [['lo'], ['logs']],
  [
    ['list', '--cr'],
    ['--created-from', '--created-to'],
  ],
  [['list', '--state', 'su'], ['succeeded']],
  [['list', '--state', 'failed,ca'], ['failed,cancelled']],
  [['list', '--state=fa'], ['--state=failed']],
  [['list', '--state', '=', 'fa'], ['failed']],
  [['logs', 'x', '--level', 'w'], ['warn']],
  [
    ['completion', ''],
    ['bash', 'zsh'],
  ],
  [['token', '--scopes', 'read,s'], ['read,submit']],
  [['schedules', 're'], ['resume']],
  [['schedules', 'set', 'a.b', '--overlap', 'q'], ['queue_one']],
  [['schedules', 'list', '--state=br'], ['--state=broken']],
  [['schedules', 'preview', '--timezone', 'Europe/Berl'], ['Europe/Berlin']],
  [['schedules', 'get', '--js'], ['--json']],
  [['schedules', 'nonsense', ''], []],
  [['submit', 'a.b', ''], []],
  [['submit', '--priority', ''], []],
  [['nonsense', ''], []],
])('%j becomes %j', async (words, values) => {
  expect(await complete(program, 'bash', words)).toBe(values.map((value) => `${value}\n`).join(''));
});

test('the first word is a command: all that help shows, and not the hidden one', () => {
  const { kind } = at('');
  const values = typeof kind === 'string' ? [] : kind.map(({ value }) => value);
  expect(values).toEqual(expect.arrayContaining(['submit', 'top', 'help', '--help']));
  expect(values).not.toContain('__complete');
});

test('zsh gets descriptions', async () => {
  expect(await complete(program, 'zsh', ['top'])).toMatch(/^top:Show throughput/);
});
