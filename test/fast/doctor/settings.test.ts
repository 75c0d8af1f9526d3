import { expect, test } from 'vitest';
import {
  judgeCollation,
  judgeConnections,
  judgeReserves,
  judgeSettings,
  judgeTrigrams,
} from '../../../doctor/settings.ts';
import type { ServerFacts } from '../../../store/doctor/server_facts.ts';

const FACTS: ServerFacts = {
  role: 'errand',
  database: 'shop',
  settings: [],
  maxConnections: 97,
  usedConnections: 10,
  roleLimit: null,
  databaseLimit: null,
  notifyUsage: 0,
  frozenAge: 1_000,
  trigrams: { isAvailable: true, isInstalled: true, hasIndex: true },
};
const NEEDED = { api: 16, runner: 12 };

test.each([
  ['fsync', 'off', 'error'],
  ['fsync', 'on', null],
  ['full_page_writes', 'off', 'error'],
  ['synchronous_commit', 'off', 'warning'],
  ['synchronous_commit', 'local', null],
  ['synchronous_commit', 'remote_apply', null],
  ['autovacuum', 'off', 'warning'],
  ['track_counts', 'off', 'warning'],
  ['session_replication_role', 'replica', 'error'],
  ['session_replication_role', 'origin', null],
  ['row_security', 'off', 'error'],
  ['statement_timeout', '50', 'warning'],
  ['statement_timeout', '0', null],
  ['statement_timeout', '5000', null],
  ['enable_seqscan', 'off', 'warning'],
])('%s = %s', (name, value, severity) => {
  const [finding] = judgeSettings({ ...FACTS, settings: [{ name, value, source: 'user' }] });
  expect(finding).toMatchObject(
    severity === null
      ? { severity: 'ok', subject: null }
      : { code: 'setting', severity, subject: name, message: expect.stringContaining(name) },
  );
});

test('synchronous_commit = local is harmless only without a synchronous standby', () => {
  const settings = [
    { name: 'synchronous_commit', value: 'local', source: 'database' },
    { name: 'synchronous_standby_names', value: 'b', source: 'configuration file' },
  ];
  expect(judgeSettings({ ...FACTS, settings })).toMatchObject([
    { severity: 'warning', remedy: expect.stringContaining('alter database shop reset synchronous_commit') },
  ]);
});

test.each([
  [{}, ['ok']],
  [{ usedConnections: 88 }, ['warning']],
  [{ usedConnections: 97 }, ['error']],
  [{ maxConnections: 20, usedConnections: 2 }, ['warning']],
  [{ roleLimit: 10 }, ['warning']],
  [{ databaseLimit: 15, usedConnections: 90 }, ['warning', 'warning']],
  [{ roleLimit: 100, databaseLimit: 100 }, ['ok']],
])('connections: %j', (change, expected) => {
  expect(judgeConnections({ ...FACTS, ...change }, NEEDED).map(({ severity }) => severity)).toEqual(expected);
});

test.each([
  [{}, ['notify_queue ok']],
  [{ notifyUsage: 0.1 }, ['notify_queue warning']],
  [{ notifyUsage: 0.9 }, ['notify_queue error']],
  [{ frozenAge: 1_100_000_000 }, ['notify_queue ok', 'wraparound warning']],
  [{ frozenAge: 2_000_000_000 }, ['notify_queue ok', 'wraparound error']],
])('reserves: %j', (change, expected) => {
  const findings = judgeReserves({ ...FACTS, ...change });
  expect(findings.map(({ code, severity }) => `${code} ${severity}`)).toEqual(expected);
});

test('pg_trgm: what is missing decides what is to be done', () => {
  const of = (isAvailable: boolean, isInstalled: boolean, hasIndex: boolean | null) =>
    judgeTrigrams({ trigrams: { isAvailable, isInstalled, hasIndex } }, 'create …');
  expect(of(true, true, true)).toMatchObject([{ severity: 'ok' }]);
  expect(of(true, true, null)).toEqual([]);
  expect(of(true, true, false)[0]?.message).toContain('its index is not there');
  expect(of(true, false, false)[0]?.message).toContain('but this database does not');
  expect(of(false, false, false)[0]).toMatchObject({
    severity: 'warning',
    message: expect.stringContaining('the server has no pg_trgm'),
    remedy: expect.stringMatching(/Install it .* create …/),
  });
});

test.each([
  ['2.36', '2.36', []],
  [null, null, []],
  ['2.31', '2.36', ['collation error']],
])('texts were ordered by %s, and are now by %s', (made, now, expected) => {
  expect(judgeCollation({ made, now }, 'db').map(({ code, severity }) => `${code} ${severity}`)).toEqual(
    expected,
  );
});
