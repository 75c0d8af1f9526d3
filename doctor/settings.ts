import type { Collation, ServerFacts, Setting } from '../store/doctor/server_facts.ts';
import { error, type Finding, ok, warning } from './finding.ts';

/** The statement that prepares a session must be over by then. It takes one round trip. */
const SHORTEST_STATEMENT_TIMEOUT_MS = 100;
/** A part of all connections. Beyond it the next process that starts gets none. */
const NEARLY_ALL = 0.9;
const NOTIFY_WARNING = 0.1;
const NOTIFY_ERROR = 0.8;
/** Postgres vacuums by force from 200 million on, and stops to write at about 2,100 million. */
const FROZEN_WARNING = 1_000_000_000;
const FROZEN_ERROR = 1_800_000_000;

type Judgement = (value: string, setting: Setting, facts: ServerFacts) => Finding | null;

/**
 * The settings with a consequence. All others that might hurt (statement timeouts, isolation levels,
 * formats of dates, search_path, jit) are set by each session of Errand itself: see
 * store/database/session.ts.
 */
const JUDGEMENTS: Record<string, Judgement> = {
  fsync: (value, { name }) =>
    value === 'off'
      ? error('setting', {
          subject: name,
          message: 'fsync is off: after a crash of its machine the database may be damaged and lost',
          remedy:
            'Set fsync = on in postgresql.conf, and reload. It is only for data that may be thrown away',
        })
      : null,
  full_page_writes: (value, { name }) =>
    value === 'off'
      ? error('setting', {
          subject: name,
          message:
            'full_page_writes is off: after a crash of its machine pages may be torn, and the database damaged',
          remedy: 'Set full_page_writes = on in postgresql.conf, and reload',
        })
      : null,
  synchronous_commit: (value, setting, facts) => {
    const standbys = facts.settings.find(({ name }) => name === 'synchronous_standby_names')?.value ?? '';
    if (value === 'off')
      return warning('setting', {
        subject: setting.name,
        message: `synchronous_commit is off (${from(setting)}): a crash of Postgres loses tasks that were acknowledged, and outcomes, so that their tasks run again`,
        remedy: unset(facts, setting, 'on'),
      });
    if (value === 'local' && standbys !== '')
      return warning('setting', {
        subject: setting.name,
        message: `synchronous_commit is local (${from(setting)}), so the synchronous standby (${standbys}) is not waited for: a failover loses tasks that were acknowledged`,
        remedy: unset(facts, setting, 'on'),
      });
    return null;
  },
  autovacuum: (value, { name }) =>
    value === 'off'
      ? warning('setting', {
          subject: name,
          message:
            'autovacuum is off: rows of finished dispatches stay, so fetching gets slower every day, and in the end the server refuses to write',
          remedy: 'Set autovacuum = on in postgresql.conf, and reload',
        })
      : null,
  track_counts: (value, { name }) =>
    value === 'off'
      ? warning('setting', {
          subject: name,
          message: 'track_counts is off, so autovacuum does not know where it is needed, and does nothing',
          remedy: 'Set track_counts = on in postgresql.conf, and reload',
        })
      : null,
  session_replication_role: (value, setting, facts) =>
    value === 'replica'
      ? error('setting', {
          subject: setting.name,
          message: `session_replication_role is replica (${from(setting)}): no trigger of Errand runs, so callbacks are never sent and those who watch tasks hear nothing`,
          remedy: unset(facts, setting, 'origin'),
        })
      : null,
  row_security: (value, setting, facts) =>
    value === 'off'
      ? error('setting', {
          subject: setting.name,
          message: `row_security is off (${from(setting)}): a role that does not own graphile-worker's tables gets an error for each statement on them, so it can neither submit nor execute`,
          remedy: unset(facts, setting, 'on'),
        })
      : null,
  statement_timeout: (value, setting, facts) =>
    Number(value) > 0 && Number(value) < SHORTEST_STATEMENT_TIMEOUT_MS
      ? warning('setting', {
          subject: setting.name,
          message: `statement_timeout is ${value} ms (${from(setting)}). It holds for the first statement of each connection, which sets another one: on a busy server that fails, and no process can connect`,
          remedy: unset(facts, setting, '0'),
        })
      : null,
};

/** Judges the settings of the server, the database and the role. */
export function judgeSettings(facts: ServerFacts): Finding[] {
  const { settings } = facts;
  const known = settings.flatMap(
    (setting) => JUDGEMENTS[setting.name]?.(setting.value, setting, facts) ?? [],
  );
  const switches = settings.filter(({ name }) => name.startsWith('enable_'));
  const planner = switches.map((setting) =>
    warning('setting', {
      subject: setting.name,
      message: `${setting.name} is ${setting.value} (${from(setting)}), which is not the default: Postgres may read the complete table of tasks where an index would do`,
      remedy: unset(facts, setting, setting.value === 'on' ? 'off' : 'on'),
    }),
  );
  const findings = [...known, ...planner];
  return findings.length > 0
    ? findings
    : [ok('setting', 'No setting of the server, the database or the role harms Errand')];
}

function from({ source }: Setting): string {
  const of: Record<string, string> = {
    user: 'set for this role',
    database: 'set for this database',
    'database user': 'set for this role in this database',
    'configuration file': 'in postgresql.conf',
    'command line': "on the server's command line",
  };
  return of[source] ?? `source: ${source}`;
}

/** The statement that takes a setting back, with what else is to be done. */
function unset({ role, database }: ServerFacts, { name, source }: Setting, wanted: string): string {
  const then = 'Then restart the processes, which keep their connections';
  if (source === 'user') return `Run: alter role ${role} reset ${name}. ${then}`;
  if (source === 'database') return `Run: alter database ${database} reset ${name}. ${then}`;
  if (source === 'database user')
    return `Run: alter role ${role} in database ${database} reset ${name}. ${then}`;
  return `Set ${name} = ${wanted} where it was set (${source}), and reload`;
}

/** The connections that the processes of this configuration open at most. */
export type NeededConnections = { api: number; runner: number };

/** Judges whether the server has connections left for one more process of each kind. */
export function judgeConnections(facts: ServerFacts, needed: NeededConnections): Finding[] {
  const { maxConnections, usedConnections, roleLimit, databaseLimit, role } = facts;
  const limits = [
    { of: `the role ${role}`, limit: roleLimit, fix: `alter role ${role} connection limit …` },
    { of: 'this database', limit: databaseLimit, fix: `alter database ${facts.database} connection limit …` },
  ].filter(({ limit }) => limit !== null && limit < Math.max(needed.api, needed.runner));
  const findings = limits.map(({ of, limit, fix }) =>
    warning('connections', {
      message: `${of} may have ${limit} connections, but one API process uses up to ${needed.api} and one runner up to ${needed.runner}`,
      remedy: `Raise the limit (${fix}), or lower DATABASE_POOL_SIZE`,
    }),
  );
  const seen = `${usedConnections} of ${maxConnections} connections are in use`;
  if (usedConnections >= maxConnections * NEARLY_ALL)
    findings.push(
      (usedConnections >= maxConnections ? error : warning)('connections', {
        message: `${seen}. One API process uses up to ${needed.api}, one runner up to ${needed.runner}: more are refused (53300)`,
        remedy:
          'Raise max_connections and restart the server, lower DATABASE_POOL_SIZE, or end sessions that nobody needs (pg_stat_activity)',
      }),
    );
  else if (maxConnections < needed.api + needed.runner)
    findings.push(
      warning('connections', {
        message: `The server has ${maxConnections} connections, but one API process and one runner use up to ${needed.api + needed.runner}`,
        remedy: 'Raise max_connections and restart the server, or lower DATABASE_POOL_SIZE',
      }),
    );
  return findings.length > 0
    ? findings
    : [
        ok(
          'connections',
          `${seen}; one API process uses up to ${needed.api}, one runner up to ${needed.runner}`,
        ),
      ];
}

/** Judges how full the queue of notifications is, and how near the end of transaction ids. */
export function judgeReserves({ notifyUsage, frozenAge }: ServerFacts): Finding[] {
  const percent = `${Math.round(notifyUsage * 100)} %`;
  const queue =
    notifyUsage < NOTIFY_WARNING
      ? ok('notify_queue', `The queue of notifications is ${percent} full`)
      : (notifyUsage < NOTIFY_ERROR ? warning : error)('notify_queue', {
          message: `The queue of notifications is ${percent} full. When it is full, each statement that notifies fails, so nothing can be submitted`,
          remedy:
            'A session that listens does not read, usually one in a long transaction: end the ones that the finding vacuum_held names, then look again',
        });
  if (frozenAge < FROZEN_WARNING) return [queue];
  return [
    queue,
    (frozenAge < FROZEN_ERROR ? warning : error)('wraparound', {
      message: `Vacuum has not frozen rows of this database for ${frozenAge} transactions. At about 2,100 million the server refuses to write`,
      remedy: 'End what the findings vacuum_held name, then run vacuum freeze as the owner',
    }),
  ];
}

/** Judges whether the search for error messages has its index; nothing to say before the first migration. */
export function judgeTrigrams({ trigrams }: Pick<ServerFacts, 'trigrams'>, sql: string): Finding[] {
  const { isAvailable, isInstalled, hasIndex } = trigrams;
  if (hasIndex === null) return [];
  if (hasIndex) return [ok('trigrams', 'The search for error messages has its index (pg_trgm)')];
  const why = isInstalled
    ? 'pg_trgm is installed, but its index is not there'
    : isAvailable
      ? 'the server has pg_trgm, but this database does not'
      : 'the server has no pg_trgm';
  return [
    warning('trigrams', {
      message: `Tasks can be found by a part of their error message, but each search reads all tasks: ${why}`,
      remedy: `${isAvailable ? '' : 'Install it on the server (postgresql-contrib). '}As the owner, run: ${sql}`,
    }),
  ];
}

/** Judges whether the indexes on texts still have the order of this server. */
export function judgeCollation({ made, now }: Collation, database: string): Finding[] {
  if (made === null || now === null || made === now) return [];
  return [
    error('collation', {
      subject: database,
      message: `The database ${database} was made with the order of texts of version ${made}, and its server now has ${now}, usually after an update of its operating system. Indexes on texts may be wrong: rows are not found, and duplicates are let in`,
      remedy: `Stop all processes of Errand, then run: reindex database ${database}; then: alter database ${database} refresh collation version`,
    }),
  ];
}
