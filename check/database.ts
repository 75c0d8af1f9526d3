import { pino } from 'pino';
import type { Config } from '../config/schema.ts';
import { isNewer } from '../core/definitions/version.ts';
import type { Registry } from '../core/registry.ts';
import { databaseCheck, openDatabase } from '../process/database.ts';
import { checkWaiting, type Found } from '../process/waiting.ts';
import type { Database } from '../store/database/pool.ts';
import { type Handler, listHandlers } from '../store/operators/registered.ts';
import { readWaitingParts } from '../store/tasks/waiting.ts';
import { type Finding, type Part, unchecked } from './findings.ts';
import { counted } from './project.ts';
import { type CheckedSchedules, checkSchedules } from './schedules.ts';

const STATEMENT_TIMEOUT_MS = 30_000;
const NO_TABLE = '42P01';
const NO_SCHEMA = '3F000';

/**
 * Compares the definitions of a project with what waits in the database (specification D6), and with the schedules
 * there. A database that does not answer, or that has no tables of Errand, is no problem: nothing is compared then.
 */
export async function checkDatabase(config: Config, project: CheckedSchedules): Promise<Part> {
  const pool = openDatabase(config, pino({ level: 'silent' }), {
    applicationName: 'errand check',
    size: 2,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const answer = await databaseCheck(pool)();
  if (answer.status !== 'ok') {
    void pool.end().catch(() => undefined);
    return unchecked(`the database does not answer (${answer.message}): what waits there was not compared`);
  }
  try {
    return await compare(pool, project);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== NO_TABLE && code !== NO_SCHEMA) throw error;
    return unchecked('the database has no tables of Errand yet: nothing waits there');
  } finally {
    await pool.end();
  }
}

async function compare(pool: Database, project: CheckedSchedules): Promise<Part> {
  const { registry } = project;
  const { definitions } = registry;
  const registered = await listHandlers(pool, { namespaces: null });
  const misfits = new Map<string, { id: string; reason: string }>();
  const found = await checkWaiting(pool, definitions, undefined, (name, id, details) => {
    const reason = details.map(({ path, message }) => `${path}: ${message}`).join('; ');
    if (!misfits.has(name)) misfits.set(name, { id, reason });
  });
  const gone = await unknownNames(pool, registry, registered);
  const lookedAt = [...found.byName.values()].reduce((sum, { looked_at }) => sum + looked_at, 0);
  const schedules = await checkSchedules(pool, project);
  const ofSchedules = schedules.count === 0 ? '' : ` and ${counted(schedules.count, 'schedule')}`;
  return {
    summary: `the database: ${counted(lookedAt, 'waiting task')}${ofSchedules} compared`,
    isChecked: true,
    problems: [
      ...misfitFindings(found, misfits),
      ...gone.filter(({ isLost }) => isLost),
      ...schedules.problems,
    ].map(bare),
    warnings: [
      ...newerFindings(found),
      ...gone.filter(({ isLost }) => !isLost).map(bare),
      ...olderFindings(registry, registered),
      ...schedules.warnings,
    ],
  };
}

function misfitFindings(
  { byName }: Found,
  misfits: ReadonlyMap<string, { id: string; reason: string }>,
): Finding[] {
  return [...byName].flatMap(([name, waiting]) => {
    const example = misfits.get(name);
    if (example === undefined) return [];
    const count = waiting.misfits;
    const more = waiting.is_bounded ? ' at least' : '';
    const message =
      `${name}:${more} ${counted(count, 'waiting task')} would fail, because the payload does not fit this definition. ` +
      `For example ${example.id}: ${example.reason}. Add an upcast, or let them finish first`;
    return [{ kind: 'waiting' as const, name, count, exampleId: example.id, message }];
  });
}

function newerFindings({ byName }: Found): Finding[] {
  return [...byName]
    .filter(([, { newer }]) => newer > 0)
    .map(([name, { newer }]) => ({
      kind: 'waiting',
      name,
      count: newer,
      message: `${name}: ${counted(newer, 'waiting task')} of a newer version. They wait for a runner that has it`,
    }));
}

type Gone = Finding & { isLost: boolean };

/** Names with waiting tasks that this project does not have. Other projects may share the database. */
async function unknownNames(database: Database, registry: Registry, registered: Handler[]): Promise<Gone[]> {
  const known = new Set(registry.definitions.map(({ name }) => name));
  const foreign = registered.filter(({ name }) => !known.has(name) && !isBuiltIn(name));
  const { parts } = await readWaitingParts(
    database,
    foreign.map(({ name }) => name),
  );
  const waiting = new Set(parts.map(({ name }) => name));
  return foreign
    .filter(({ name }) => waiting.has(name))
    .map(({ name, live_runners: runners }) => ({
      kind: 'waiting',
      name,
      isLost: runners === 0,
      message:
        runners === 0
          ? `${name}: tasks wait, but neither this project nor a live runner has it. Cancel them, or add it again`
          : `${name}: tasks wait, and this project does not have it. ${counted(runners, 'live runner')} ${runners === 1 ? 'has' : 'have'} it: if it was removed here, let them finish first`,
    }));
}

/** Tasks that Errand submits for itself are in no project. */
function isBuiltIn(name: string): boolean {
  return name === 'errand.bulk' || name === 'webhook.deliver';
}

function olderFindings(registry: Registry, registered: readonly Handler[]): Finding[] {
  const versions = new Map(registered.map(({ name, version }) => [name, version]));
  return registry.definitions.flatMap(({ name, version }) => {
    const other = versions.get(name);
    if (other === undefined || !isNewer(other, version)) return [];
    return [
      {
        kind: 'registered' as const,
        name,
        message: `${name}: registered is ${other}, which is newer than ${version} of this project`,
      },
    ];
  });
}

function bare({ kind, name, message, exampleId, count }: Finding): Finding {
  return {
    kind,
    message,
    ...(name === undefined ? {} : { name }),
    ...(exampleId === undefined ? {} : { exampleId }),
    ...(count === undefined ? {} : { count }),
  };
}
