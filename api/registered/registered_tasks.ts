import type { Logger } from 'pino';
import { batcher } from '../../core/concurrency/batcher.ts';
import { type Checker, checkerApart } from '../../core/definitions/check.ts';
import { registeredTask } from '../../core/registration/registered.ts';
import type { Submittable } from '../../core/registration/submittable.ts';
import { closest, type Registry } from '../../core/registry.ts';
import { NAME_MAX_LENGTH, NAME_PATTERN } from '../../core/task.ts';
import { sharedReading } from '../../process/shared_reading.ts';
import { messageOf } from '../../process/start.ts';
import type { Database } from '../../store/database/pool.ts';
import { listRegistered, type RegisteredRow, readRegistered } from '../../store/submit/registered.ts';

/** How long it is known that a name is registered, or is not. */
const KEEP_MS = 2_000;
/** The names of which that is known. The oldest leave first. */
const MAX_KNOWN = 10_000;
/** Unknown names in one statement. */
const MAX_READ = 500;
/** Compiled schemas. The one that was not used for the longest time leaves first. */
const MAX_COMPILED = 500;
/** Only a caller with an unknown name waits for the names, and has waited for Postgres before. */
const NAMES = { keepMs: 5_000, waitBudgetMs: 10_000 };

/** The tasks that this API has no code for: other processes have registered them (specification P5). */
export type RegisteredTasks = {
  /**
   * The registered definition of a name; undefined if there is none. Costs one indexed read, which is shared
   * with other names and kept for two seconds. Throws errors of Postgres.
   */
  find(name: string): Promise<Submittable | undefined>;
  /** The names that can be submitted, for suggestions. Empty if Postgres does not answer. */
  names(): Promise<readonly string[]>;
};

/**
 * Reads registered definitions, as few as possible. `project` is the repository of this process. A submission
 * waits for `database`, and never for slow reads (specification A13).
 */
export function createRegisteredTasks(options: {
  database: Database;
  /** Reads the suggestions. */
  reads: Database;
  registry: Registry;
  project: string | null;
  log: Pick<Logger, 'warn'>;
  /** Gives milliseconds. */
  clock?: () => number;
}): RegisteredTasks {
  const { database, reads, registry, project, log, clock = () => performance.now() } = options;
  const checkerOf = compiledSchemas(log);
  // One statement at a time: a flood of unknown names waits here, and not in Postgres.
  const read = batcher(
    async (names: string[]) => {
      const rows = await readRegistered(database, names, project);
      const byName = new Map(rows.map((row) => [row.name, row]));
      return names.map((name) => byName.get(name));
    },
    { maxItems: MAX_READ },
  );
  const known = new Map<string, { at: number; task: Promise<Submittable | undefined> }>();

  async function readOne(name: string): Promise<Submittable | undefined> {
    const row = await read(name);
    return row && registeredTask(row, checkerOf(row));
  }

  const readNames = sharedReading(() => listRegistered(reads, project), NAMES, clock);
  return {
    async find(name) {
      if (name.length > NAME_MAX_LENGTH || !NAME_PATTERN.test(name)) return undefined;
      const last = known.get(name);
      if (last !== undefined && clock() - last.at < KEEP_MS) return last.task;
      const task = readOne(name);
      known.delete(name);
      known.set(name, { at: clock(), task });
      removeOldest(known, MAX_KNOWN);
      // A failure is not kept.
      task.catch(() => {
        if (known.get(name)?.task === task) known.delete(name);
      });
      return task;
    },
    async names() {
      const all = (await readNames()).value ?? [];
      return all.flatMap(({ name, is_step }) => (is_step || registry.get(name) !== undefined ? [] : [name]));
    },
  };
}

/** The names that can be submitted and are similar to this one, of those that the caller may see. */
export async function closeNames(
  { registry, registered }: { registry: Registry; registered: RegisteredTasks },
  name: string,
  isSeen: (name: string) => boolean = () => true,
): Promise<string[]> {
  const own = registry.definitions.map((definition) => definition.name);
  return closest(name, [...own, ...(await registered.names())].filter(isSeen));
}

/**
 * Gives the checker of a registered schema, compiled once for each hash. Null if it cannot be compiled, which
 * is logged once: then its payloads are left to the runner.
 */
function compiledSchemas(log: Pick<Logger, 'warn'>): (row: RegisteredRow) => Checker | null {
  const compiled = new Map<string, Checker | null>();
  return ({ name, schema_hash, payload_schema }) => {
    const known = compiled.get(schema_hash);
    const check = known === undefined ? compile(name, payload_schema, log) : known;
    compiled.delete(schema_hash);
    compiled.set(schema_hash, check);
    removeOldest(compiled, MAX_COMPILED);
    return check;
  };
}

function compile(
  name: string,
  schema: RegisteredRow['payload_schema'],
  log: Pick<Logger, 'warn'>,
): Checker | null {
  try {
    return checkerApart(schema);
  } catch (error) {
    log.warn(
      { task_name: name, reason: messageOf(error) },
      'a registered schema cannot be compiled: only runners check the payloads of its tasks',
    );
    return null;
  }
}

/** Maps keep the order in which their keys were added. */
function removeOldest(map: Map<string, unknown>, limit: number): void {
  const [oldest] = map.keys();
  if (map.size > limit && oldest !== undefined) map.delete(oldest);
}
