import { type Server, whyReadOnly, whyUnsuitable } from '../store/database/server.ts';
import type { Way } from '../store/doctor/pooler.ts';
import type { RightsFacts } from '../store/doctor/rights.ts';
import type { Blocker, ClockDifference, Holder } from '../store/doctor/server_facts.ts';
import { duration, error, type Finding, ok, some, warning } from './finding.ts';

/** The newest server that the tests run on (docs/guides/postgres-versions.md). */
export const NEWEST_TESTED = 18;
/** From this difference on, tokens and signatures are refused too early or too late. */
const CLOCK_WARNING_MS = 1_000;
/** Webhooks are signed for five minutes (Standard Webhooks). */
const CLOCK_ERROR_MS = 60_000;

/** Judges whether Errand can work on this server at all. */
export function judgeServer(server: Server): Finding[] {
  const unsuitable = whyUnsuitable(server);
  const isOld = unsuitable?.includes('too old') === true;
  if (unsuitable !== null)
    return [
      error(isOld ? 'server_version' : 'server_encoding', {
        message: unsuitable,
        remedy: isOld
          ? 'Move the database to a newer server with pg_upgrade, or with pg_dump and pg_restore'
          : 'Copy the data into the new one with pg_dump and pg_restore, and set DATABASE_URL to it',
      }),
    ];
  const major = Math.floor(server.versionNumber / 10_000);
  const version =
    major > NEWEST_TESTED
      ? warning('server_version', {
          message: `Postgres ${server.version} is newer than ${NEWEST_TESTED}, the newest version that this Errand was tested with`,
          remedy: 'Look for a newer version of Errand, or try your tasks on a copy first',
        })
      : ok('server_version', `Postgres ${server.version}, database ${server.database}`);
  const readOnly = whyReadOnly(server);
  if (readOnly === null) return [version];
  return [
    version,
    error('server_read_only', {
      message: `Nothing can be written: ${readOnly}`,
      remedy: server.isStandby
        ? 'Set DATABASE_URL to the primary. If there is no primary any more, promote this server with select pg_promote()'
        : 'Switch default_transaction_read_only off where it is set (alter role … reset, alter database … reset, or postgresql.conf). Some providers switch it on when the disk is nearly full: look at the free space first',
    }),
  ];
}

/** Judges the way to the server: a pooler between, and whether notifications arrive. */
export function judgeWay({ pooling, evidence, isNotified }: Way): Finding[] {
  const way: Finding = {
    direct: () => ok('pooler', 'No pooler is between this machine and the server'),
    session: () =>
      ok(
        'pooler',
        `A pooler (such as PgBouncer) is between, which keeps one connection for each client: ${evidence}. That works, if it has enough connections for all processes`,
      ),
    unknown: () =>
      warning('pooler', {
        message: `A pooler (such as PgBouncer) is between, and it is not known how it pools: ${evidence}`,
        remedy:
          'Raise its number of connections (default_pool_size), or set DATABASE_URL to the server itself',
      }),
    transaction: () => pooledByParts('transaction', evidence),
    statement: () => pooledByParts('statement', evidence),
  }[pooling]();
  if (isNotified !== false) return [way];
  return [
    way,
    error('notifications', {
      message:
        'A notification that was sent did not arrive at a client that listens within 2 s. Tasks then start by polling only, up to 2 s late, and cancellations, pauses and event streams are late too',
      remedy:
        way.severity === 'error'
          ? 'Mend the finding pooler first'
          : 'Connect to the server without a proxy that drops notifications, and look at the finding notify_queue',
    }),
  ];
}

function pooledByParts(part: string, evidence: string): Finding {
  return error('pooler', {
    message: `A pooler between gives a connection to others after each ${part}: ${evidence}. Then notifications get lost, session settings and prepared statements go to other clients, and runners end`,
    remedy:
      'Set DATABASE_URL to the server itself. Or give Errand a database entry of the pooler with pool_mode = session, with enough connections for DATABASE_POOL_SIZE of every process',
  });
}

/** Judges the difference of the clocks. The uncertainty of the measurement counts in favour. */
export function judgeClock({ aheadMs, exactToMs }: ClockDifference): Finding {
  const differenceMs = Math.abs(aheadMs) - exactToMs;
  const direction = aheadMs > 0 ? 'behind' : 'ahead of';
  const exact = `± ${Math.max(1, Math.round(exactToMs))} ms`;
  if (differenceMs < CLOCK_WARNING_MS)
    return ok(
      'clock',
      `This machine and Postgres agree on the time (${Math.round(Math.abs(aheadMs))} ms apart, ${exact})`,
    );
  return (differenceMs < CLOCK_ERROR_MS ? warning : error)('clock', {
    message: `The clock of this machine is ${(Math.abs(aheadMs) / 1_000).toFixed(1)} s ${direction} that of Postgres (${exact}). Due times, leases and schedules go by Postgres's clock, and are right if that one is. The API accepts and refuses tokens, API keys that end, and signed webhooks by its own clock, and times of log files differ from those of tasks`,
    remedy: 'Synchronize both machines (chrony, systemd-timesyncd), and run this again on each machine',
  });
}

/** Judges the rights of the connected role. */
export function judgeRights({
  role,
  hasSchemas,
  mayCreateSchemas,
  otherOwners,
  missing,
}: RightsFacts): Finding[] {
  if (!hasSchemas)
    return mayCreateSchemas
      ? [ok('rights', `The role ${role} may make the schemas`, role)]
      : [
          warning('rights', {
            subject: role,
            message: `The role ${role} may not make schemas in this database, so it cannot run the first migration`,
            remedy: `Run \`errand migrate\` as the owner of the database, or: grant create on database … to ${role}`,
          }),
        ];
  const able = (['api', 'runner'] as const).filter((process) => missing[process].length === 0);
  const migrates =
    otherOwners.length === 0
      ? 'It may migrate too'
      : `It may not migrate, because ${some(otherOwners)} owns objects there: run \`errand migrate\` as that role`;
  if (able.length > 0)
    return [
      ok(
        'rights',
        `The role ${role} has all rights of ${able.map(named).join(' and of ')}. ${migrates}`,
        role,
      ),
    ];
  const [fewest, process] =
    missing.api.length <= missing.runner.length
      ? [missing.api, 'api' as const]
      : [missing.runner, 'runner' as const];
  return [
    error('rights', {
      subject: role,
      message: `The role ${role} has the rights of neither the API nor a runner. For ${named(process)} it lacks: ${some(fewest, 8)}`,
      remedy: `As the owner, run \`npm run roles -- --${process} ${role} --apply\`, which grants them. It has to be run again after each migration`,
    }),
  ];
}

function named(process: 'api' | 'runner'): string {
  return process === 'api' ? 'the API' : 'a runner';
}

/** Judges what keeps vacuum from cleaning up. */
export function judgeHolders(holders: readonly Holder[]): Finding[] {
  const findings = holders.map((holder) => {
    const { kind, id, seconds, transactions } = holder;
    if (kind === 'slot')
      return warning('vacuum_held', {
        subject: id,
        message: `Nothing reads the replication slot ${id}. It keeps WAL files until the disk is full, and rows that vacuum could remove (${transactions} transactions have started since)`,
        remedy: `Start what reads it. If nothing needs it any more: select pg_drop_replication_slot('${id}')`,
      });
    const age = duration(seconds ?? 0);
    const effect =
      'Until it ends, vacuum removes no row that was deleted since, so fetching and listing get slower';
    if (kind === 'prepared')
      return warning('vacuum_held', {
        subject: id,
        message: `The prepared transaction ${id} has been open for ${age}. ${effect}`,
        remedy: `Let its coordinator end it, or: rollback prepared '${id}'`,
      });
    return warning('vacuum_held', {
      subject: id,
      message: `The transaction of ${sessionOf(holder)} has been open for ${age}. ${effect}`,
      remedy: `End it where it was started, or: select pg_terminate_backend(${id})`,
    });
  });
  return findings.length > 0
    ? findings
    : [ok('vacuum_held', 'No long transaction or unused slot holds back vacuum')];
}

type Session = {
  application: string | null;
  role: string | null;
  state: string | null;
  address?: string | null;
};

function sessionOf(session: Session & ({ id: string } | { pid: number })): string {
  const { application, role, state, address } = session;
  const pid = 'pid' in session ? session.pid : session.id;
  const parts = [
    application === null || application === '' ? null : JSON.stringify(application),
    role === null ? null : `role ${role}`,
    address == null ? null : `from ${address}`,
    state,
  ].filter((part) => part !== null);
  return `pid ${pid} (${parts.join(', ')})`;
}

/** Judges sessions that keep others from Errand's tables. */
export function judgeBlockers(blockers: readonly Blocker[]): Finding[] {
  if (blockers.length === 0) return [ok('locked', "No session keeps others from Errand's tables")];
  return blockers.map((blocker) => {
    const { pid, what, waiting, seconds } = blocker;
    const who =
      pid === 0
        ? `The prepared transaction ${blocker.application ?? ''}`.trim()
        : `The session ${sessionOf(blocker)}`;
    const age = seconds === null ? '' : ` in a transaction of ${duration(seconds)}`;
    const wait = waiting === 0 ? '' : `, and ${waiting} sessions of Errand wait for it`;
    return error('locked', {
      subject: what.join(', '),
      message: `${who} holds a lock on ${what.join(', ')}${age}${wait}`,
      remedy:
        pid === 0
          ? 'Look for it in pg_prepared_xacts, and end it with commit prepared or rollback prepared'
          : `End that transaction, or: select pg_terminate_backend(${pid})`,
    });
  });
}
