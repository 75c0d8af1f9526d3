import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { widthOf } from '../../../cli/output/width.ts';
import { ROOT } from '../../support/checkout/documents.ts';
import { startProxy } from '../../support/network/proxy.ts';
import { startFileRunner } from '../../support/runner.ts';
import { startPool } from './errand.ts';
import { openTerminal, type Terminal } from './terminal.ts';

// What the command does on a real terminal.

const { pool, api } = await startPool();
const runner = await startFileRunner(pool, { shutdownTimeoutSecs: 0 });
afterAll(() => runner.stop());

const COMMAND = `'${process.execPath}' '${join(ROOT, 'bin', 'errand.js')}'`;
const ENTER_SCREEN = '␛[?1049h';
const LEAVE_SCREEN = '␛[?25h␛[?1049l';

const open = (
  words: string,
  more: { columns?: number; url?: string; environment?: Record<string, string> } = {},
) =>
  openTerminal(`${COMMAND} ${words}`, {
    columns: more.columns ?? 80,
    rows: 24,
    environment: { ERRAND_URL: more.url ?? api.url, ...more.environment },
  });

/** What the command wrote, in lines, without colours. */
const linesOf = (terminal: Terminal): string[] =>
  terminal
    .output()
    .replaceAll(/␛\[[\d;]*m/g, '')
    .split('\r\n')
    .slice(1, -1);

beforeAll(async () => {
  const payload = {
    times: 1,
    permanent: true,
    message: 'a message that is far too long for eighty columns, and goes on',
  };
  const items = [1, 2, 3].map(() => ({ payload, dedup: 'none', tags: ['made'] }));
  const { body } = await api.call('POST', '/v1/tasks/example.fail/batch', { items });
  for (const { id } of body.items) await api.call('GET', `/v1/tasks/${id}?wait=20`);
});

describe('tables', () => {
  test('they fit into the terminal, and have colours', async () => {
    for (const columns of [80, 120]) {
      const terminal = await open('list', { columns });
      expect(await terminal.ended).toBe(0);
      const lines = linesOf(terminal);
      expect(lines).toHaveLength(4);
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
      expect(lines[0]).toMatch(columns === 80 ? /AGE$/ : /AGE +TOOK +NOTE/);
      expect(terminal.output()).toContain('␛[31mfailed␛[39m');
    }
  });

  test('NO_COLOR has none', async () => {
    const terminal = await open('list', { environment: { NO_COLOR: '1' } });
    expect(await terminal.ended).toBe(0);
    expect(terminal.output()).not.toContain('␛');
  });
});

describe('errand top', () => {
  test('it refreshes, and q gives the terminal back', async () => {
    const terminal = await open('top --every 200ms');
    const first = await terminal.shows(/errand top.*q quits.*␛\[J/s);
    expect(first).toContain(ENTER_SCREEN);
    expect(first).toMatch(/example\.fail/);
    expect(first).not.toContain('TRIES');
    await terminal.shows(/␛\[H.*␛\[J/s);
    terminal.type('q');
    expect(await terminal.ended).toBe(0);
    expect(terminal.output().endsWith(LEAVE_SCREEN)).toBe(true);
  });

  test('a terminal of another size gets another picture at once', async () => {
    const terminal = await open('top --every 1h');
    await terminal.shows(/errand top.*␛\[J/s);
    terminal.resize(160, 40);
    await terminal.shows(/TRIES/);
    terminal.type('q');
    expect(await terminal.ended).toBe(0);
  });

  test('it survives an API that goes away and comes back, and Ctrl-C ends it with 130', async () => {
    const proxy = await startProxy(api.url);
    const terminal = await open('top --every 200ms', { url: proxy.url.replace(/\/$/, '') });
    await terminal.shows(/throughput.*␛\[J/s);
    await proxy.down();
    const away = await terminal.shows(/No figures since \d\d:\d\d:\d\d, trying again: /);
    expect(away).toContain('example.fail');
    await proxy.up();
    await terminal.shows(/throughput(?:(?!No figures).)*␛\[J$/s);
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(130);
    expect(terminal.output().endsWith(LEAVE_SCREEN)).toBe(true);
  });

  test('if no API answers at the start, it says so and takes no screen', async () => {
    const terminal = await open('top', { url: 'http://127.0.0.1:9' });
    expect(await terminal.ended).toBe(3);
    expect(terminal.output()).toContain('Check that the API runs at http://127.0.0.1:9');
    expect(terminal.output()).not.toContain(ENTER_SCREEN);
  });
});

describe('errand retry with filters', () => {
  test('it asks; no changes nothing, yes retries all with a progress bar', async () => {
    const refused = await open('retry --tag made');
    await refused.shows(/Retry 3 tasks\?/);
    refused.type('n');
    expect(await refused.ended).toBe(130);
    const audit = await api.call('GET', '/v1/audit?action=bulk_retry');
    expect(audit.body.entries).toEqual([]);
    const agreed = await open('retry --tag made --per-second 5');
    await agreed.shows(/Retry 3 tasks\?/);
    agreed.type('y');
    await agreed.shows(/retry [█░]{30} \d+%/);
    expect(await agreed.ended).toBe(0);
    expect(agreed.output()).toContain('3 tasks queued again.');
  });
});

test('Ctrl-C ends a command that waits for its input', async () => {
  const terminal = await open('submit example.echo -');
  terminal.type('{"mess');
  await terminal.shows(/mess/);
  // Until the command listens to it, the signal ends the process itself, and the terminal says 130 as well.
  terminal.type('\u0003');
  expect(await terminal.ended).toBe(130);
});
