import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Ownership } from '../../core/registration/owner.ts';
import { schemaHashOf } from '../../core/registration/schema_hash.ts';
import { submittable } from '../../core/registration/submittable.ts';
import { judgeSchedule } from '../../core/schedules/judge.ts';
import type { TaskDefinition } from '../../core/task.ts';
import {
  hasUnjudged,
  type JudgedSchedule,
  type JudgingDefinition,
  readUnjudged,
  recordJudged,
} from '../../store/schedules/judge.ts';

/** Their payloads may be large. */
const PAGE = 200;

/**
 * Judges the schedules of tasks whose definitions have changed (specification K1): those of the API, and those in
 * the code of other repositories. One whose payload fits gets a new submission. One whose payload does not fit is
 * broken: it submits no tasks until somebody changes its payload or the definition, which the log says. They are
 * read page by page. A schedule that changes meanwhile is judged by the next round.
 */
export async function judgeSchedules(options: JudgeOptions): Promise<void> {
  const { pool, ownership, log } = options;
  const { byName, rows } = toJudge(options);
  const project = ownership?.project ?? null;
  let after = '';
  for (;;) {
    const page = await readUnjudged(pool, rows, { project, after, limit: PAGE });
    const judged: JudgedSchedule[] = [];
    for (const schedule of page) {
      const definition = byName.get(schedule.task);
      if (definition === undefined) continue;
      const schemaHash = schemaHashOf(definition);
      judged.push({
        ...(await judgeSchedule(definition, schedule)),
        schemaHash,
        revision: schedule.revision,
      });
    }
    const recorded = new Set(judged.length === 0 ? [] : await recordJudged(pool, judged));
    const before = new Map(page.map(({ id, broken }) => [id, broken]));
    for (const { id, broken } of judged) {
      if (!recorded.has(id) || broken === before.get(id)) continue;
      if (broken === null) log.info({ schedule: id }, 'a schedule that was broken submits tasks again');
      else log.error({ schedule: id, reason: broken }, 'a schedule is broken: it no longer submits tasks');
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.id;
  }
}

/** The same if one of them was last checked against other schemas, for example by an older API. */
export async function keepJudged(options: JudgeOptions): Promise<void> {
  const { rows } = toJudge(options);
  if (await hasUnjudged(options.pool, rows, options.ownership?.project ?? null))
    await judgeSchedules(options);
}

export type JudgeOptions = {
  pool: Pool;
  log: Logger;
  /** Without steps. */
  definitions: readonly TaskDefinition[];
  ownership: Ownership | undefined;
};

function toJudge({ definitions }: JudgeOptions): {
  byName: Map<string, TaskDefinition>;
  rows: JudgingDefinition[];
} {
  return {
    byName: new Map(definitions.map((definition) => [definition.name, definition])),
    rows: definitions.map((definition) => {
      const { name, version, olderVersions, policy, steps } = submittable(definition);
      return {
        ...{ name, version, upcasts: olderVersions, schema_hash: schemaHashOf(definition) },
        ...{ priority: policy.priority, max_attempts: policy.maxAttempts, callback_url: policy.callbackUrl },
        expires_in_seconds: policy.expiresInSeconds,
        steps: steps ?? undefined,
      };
    }),
  };
}
