import { describe, expect, test } from 'vitest';
import { judgeAddresses } from '../../../doctor/addresses.ts';
import { duration, error, exitCodeOf, ok, some, warning } from '../../../doctor/finding.ts';
import {
  judgeBlockers,
  judgeClock,
  judgeHolders,
  judgeRights,
  judgeServer,
  judgeWay,
} from '../../../doctor/server.ts';
import type { Server } from '../../../store/database/server.ts';
import type { Holder } from '../../../store/doctor/server_facts.ts';

const SERVER: Server = {
  version: '18.4',
  versionNumber: 180_004,
  database: 'errand',
  encoding: 'UTF8',
  isStandby: false,
  isReadOnly: false,
};
const seen = (findings: { code: string; severity: string }[]): string[] =>
  findings.map(({ code, severity }) => `${code} ${severity}`);

describe('the server', () => {
  test.each([
    [{}, ['server_version ok']],
    [{ version: '14.0', versionNumber: 140_000 }, ['server_version ok']],
    [{ version: '13.9', versionNumber: 130_009 }, ['server_version error']],
    [{ version: '19beta1', versionNumber: 190_000 }, ['server_version warning']],
    [{ encoding: 'SQL_ASCII' }, ['server_encoding error']],
    [{ isStandby: true, isReadOnly: true }, ['server_version ok', 'server_read_only error']],
    [{ isReadOnly: true }, ['server_version ok', 'server_read_only error']],
  ])('%j', (change, expected) => {
    expect(seen(judgeServer({ ...SERVER, ...change }))).toEqual(expected);
  });

  test('a standby is told apart from a role that may only read', () => {
    expect(judgeServer({ ...SERVER, isStandby: true }).at(-1)?.remedy).toContain('pg_promote');
    expect(judgeServer({ ...SERVER, isReadOnly: true }).at(-1)?.remedy).toContain(
      'default_transaction_read_only',
    );
  });
});

describe('the way to the server', () => {
  test.each([
    ['direct', true, ['pooler ok']],
    ['direct', null, ['pooler ok']],
    ['direct', false, ['pooler ok', 'notifications error']],
    ['session', true, ['pooler ok']],
    ['transaction', true, ['pooler error']],
    ['transaction', false, ['pooler error', 'notifications error']],
    ['statement', null, ['pooler error']],
    ['unknown', null, ['pooler warning']],
  ] as const)('%s, notified: %s', (pooling, isNotified, expected) => {
    expect(seen(judgeWay({ pooling, isNotified, evidence: 'seen so' }))).toEqual(expected);
  });

  test('an address of several that does not answer is named', () => {
    const tried = [
      { address: '10.0.0.1', failure: null },
      { address: '10.0.0.2', failure: 'no answer within 3 s' },
    ];
    expect(judgeAddresses('db', tried)).toMatchObject([{ code: 'address_unreachable', subject: '10.0.0.2' }]);
  });
});

describe('the clock', () => {
  test.each([
    [0, 1, 'ok'],
    [999, 1, 'ok'],
    [-999, 1, 'ok'],
    // It may be 999 ms.
    [1_500, 501, 'ok'],
    [1_002, 1, 'warning'],
    [-3_000, 1, 'warning'],
    [-120_000, 1, 'error'],
  ])('%d ms ahead, exact to %d ms', (aheadMs, exactToMs, severity) => {
    expect(judgeClock({ aheadMs, exactToMs }).severity).toBe(severity);
  });

  test('says which of the two is behind', () => {
    expect(judgeClock({ aheadMs: 5_000, exactToMs: 1 }).message).toContain('5.0 s behind that of Postgres');
    expect(judgeClock({ aheadMs: -5_000, exactToMs: 1 }).message).toContain(
      '5.0 s ahead of that of Postgres',
    );
  });
});

describe('rights', () => {
  const none = { api: [], runner: [] };
  const facts = {
    role: 'r',
    hasSchemas: true,
    mayCreateSchemas: false,
    otherOwners: [],
    owners: [],
    missing: none,
  };
  test.each([
    [{}, 'ok', 'may migrate too'],
    [{ otherOwners: ['boss'] }, 'ok', 'may not migrate, because boss owns'],
    [{ missing: { api: ['x'], runner: [] } }, 'ok', 'all rights of a runner'],
    [
      { missing: { api: ['insert on errand.tasks'], runner: ['x', 'y'] } },
      'error',
      'For the API it lacks: insert on',
    ],
    [{ hasSchemas: false }, 'warning', 'may not make schemas'],
    [{ hasSchemas: false, mayCreateSchemas: true }, 'ok', 'may make the schemas'],
  ])('%j', (change, severity, message) => {
    const [finding] = judgeRights({ ...facts, ...change });
    expect(finding).toMatchObject({ code: 'rights', severity });
    expect(finding?.message).toContain(message);
  });
});

test('each kind of holder has its remedy', () => {
  const holder: Holder = {
    kind: 'transaction',
    id: '42',
    application: 'psql',
    role: 'ada',
    address: null,
    state: 'idle in transaction',
    seconds: 7_200,
    transactions: 9,
  };
  const [session, prepared, slot] = judgeHolders([
    holder,
    { ...holder, kind: 'prepared', id: 'gid' },
    { ...holder, kind: 'slot', id: 'old', seconds: null },
  ]);
  expect(session?.message).toContain('pid 42 ("psql", role ada, idle in transaction) has been open for 2 h');
  expect(session?.remedy).toContain('pg_terminate_backend(42)');
  expect(prepared?.remedy).toContain("rollback prepared 'gid'");
  expect(slot?.remedy).toContain("pg_drop_replication_slot('old')");
  expect(seen(judgeHolders([]))).toEqual(['vacuum_held ok']);
});

test('a prepared transaction that blocks is not one to terminate', () => {
  const blocker = {
    pid: 0,
    application: null,
    role: null,
    state: null,
    seconds: null,
    what: ['a row'],
    waiting: 2,
  };
  expect(judgeBlockers([blocker])[0]).toMatchObject({
    severity: 'error',
    remedy: expect.stringContaining('pg_prepared_xacts'),
  });
  expect(seen(judgeBlockers([]))).toEqual(['locked ok']);
});

test.each([
  [[], 0, 0],
  [[ok('queue', '')], 0, 0],
  [[warning('paused', { message: '', remedy: '' })], 0, 1],
  [[error('pooler', { message: '', remedy: '' })], 1, 1],
])('the exit code of %j, and with --strict', (findings, code, strict) => {
  expect([exitCodeOf(findings, false), exitCodeOf(findings, true)]).toEqual([code, strict]);
});

test('durations and lists are short', () => {
  expect([0.4, 119, 120, 7_199, 7_200, 172_799, 172_800].map(duration)).toEqual([
    '0 s',
    '119 s',
    '2 min',
    '120 min',
    '2 h',
    '48 h',
    '2 days',
  ]);
  expect([some(['a', 'b'], 2), some(['a', 'b', 'c'], 2)]).toEqual(['a, b', 'a, b and 1 more']);
});
