import { OPEN } from '../../core/states.ts';
import { arrayOf } from '../database/arrays.ts';
import type { Database } from '../database/pool.ts';
import { freeSlotsOf } from '../limits/slots.ts';
import { handedOff, NO_OFFER, type Offer, type ParentEnd } from './hand_off.ts';
import type { OfAttempt, Outcome, Recorded } from './outcomes.ts';

/** A success with nothing else to write, as nearly all outcomes are. */
type PlainSuccess = OfAttempt & { kind: 'succeeded'; result: string | null; endsParent?: ParentEnd };

/** Whether an outcome is a plain success. */
export function isPlainSuccess(outcome: Outcome): outcome is PlainSuccess {
  return (
    outcome.kind === 'succeeded' &&
    !outcome.hasChildren &&
    !outcome.skipped &&
    outcome.lines.length === 0 &&
    outcome.progress === null &&
    (outcome.followUps === undefined || outcome.followUps.length === 0)
  );
}

/**
 * Records outcomes that are all plain successes: without children, lines and follow-ups. It does the same
 * as `recordOutcomes` with a statement that checks nothing else: 40 µs of Postgres per task instead
 * of 55. A crash has the same effect. Uses the primary key. If an attempt has slots, they are freed
 * by the same statement with one more part, and if one is a step or a child, two more parts lock its parent
 * first, and unblock what comes after it.
 */
export async function recordSuccesses(
  database: Database,
  runnerId: number,
  successes: readonly PlainSuccess[],
  offer: Offer = NO_OFFER,
): Promise<Recorded> {
  const freed = successes.filter(({ hasSlots }) => hasSlots).map((one) => one.slots ?? one);
  const hasParents = successes.some(({ parentId }) => parentId !== null);
  const { rows } = await database.query<{
    live: boolean;
    ids: string[] | null;
    held?: string | null;
    slots?: string | null;
    ended?: string[] | null;
  }>({
    ...statementOf({ hasParents, hasSlots: freed.length > 0 }),
    values: [
      runnerId,
      arrayOf(successes.map(({ id }) => id)),
      arrayOf(successes.map(({ dispatchId }) => dispatchId)),
      arrayOf(successes.map(({ attempt }) => attempt)),
      arrayOf(successes.map(({ durationMs }) => durationMs)),
      // With quotes: JSON text has no control characters, so as a JSON string it is also valid in
      // an array literal.
      arrayOf(successes.map(({ result }) => quoted(result))),
      OPEN,
      ...(hasParents
        ? [
            arrayOf(successes.map(({ parentId }) => parentId)),
            arrayOf(successes.map(({ endsParent }) => quoted(endsParent?.result ?? null))),
            offer.names,
            offer.room,
          ]
        : []),
      ...(freed.length > 0
        ? [arrayOf(freed.map(({ id }) => id)), arrayOf(freed.map(({ dispatchId }) => dispatchId))]
        : []),
      ...(freed.length > 0 && !hasParents ? [offer.limited?.names ?? [], offer.limited?.room ?? 0] : []),
    ],
  });
  const row = rows[0];
  const ids = row?.ids ?? successes.map(({ id }) => id);
  return {
    fenced: row?.live !== true,
    ids: new Set(ids),
    ...(hasParents || row?.held != null ? handedOff(row) : {}),
  };
}

function quoted(json: string | null): string | null {
  return json === null ? null : JSON.stringify(json);
}

/**
 * Locks parents before their children, in the order of their ids, so that two statements that end
 * children do not deadlock.
 */
const PARENTS = `
  parents as materialized (
    select id from errand.tasks where id = any ($8::uuid[]) order by id for no key update
  ),`;

function recorded(hasParents: boolean): string {
  const [columns, values, locked, returned] = hasParents
    ? [
        ', ending',
        ', $9::text[]',
        'and (select count(*) from parents) >= 0 -- makes Postgres lock them before',
        ', t.parent_id, t.step, given.ending',
      ]
    : ['', '', '', ''];
  return `
  fence as materialized (
    select id from errand.runners where id = $1 and ended_at is null for key share
  ),
  recorded as (
    update errand.tasks t
       set state = 'succeeded',
           dispatch_id = null,
           started_at = now() - make_interval(secs => given.duration_ms / 1000),
           finished_at = now(),
           runner_id = fence.id,
           result = nullif(given.result, 'null')::jsonb,
           error = null,
           pending = 0
      from unnest($2::uuid[], $3::uuid[], $4::integer[], $5::float8[], $6::text[]${values})
             as given (id, dispatch_id, attempt, duration_ms, result${columns})
     cross join fence
     where t.id = given.id and t.attempt = given.attempt and t.dispatch_id = given.dispatch_id and t.state = any ($7)
       ${locked}
    returning t.id${returned}
  )`;
}

/** The steps that wait for a child that has ended, and its parent. */
const UNBLOCKED = `,
  unblocked as materialized (
    select of.held, of.ended
      from (select array_agg(r.parent_id order by r.id) as parents, array_agg(r.step order by r.id) as steps,
                   array_agg(true) as satisfied, array_agg(r.ending order by r.id) as endings
              from recorded r
             where r.parent_id is not null
            having count(*) > 0) ready
     cross join lateral errand.hand_off_dependents(
       ready.parents, ready.steps, ready.satisfied, ready.endings, $1, $10::text[], $11::integer) of
  )`;

/** Hands the slots off, or frees them, also those of attempts that were decided before. */
const HANDED_OFF_SLOTS = `,
  freed as materialized (
    select of.held, of.slots
      from (select array_agg(g.id) as ids, array_agg(g.dispatch_id) as dispatch_ids
              from unnest($8::uuid[], $9::uuid[]) as g (id, dispatch_id)
             where (select count(*) from recorded) >= 0
            having count(*) > 0) given
     cross join lateral errand.hand_off_slots(given.ids, given.dispatch_ids, $1, $10::text[], $11::integer) of
  )`;

/** Frees the slots, also those of attempts that were decided before. */
function freed(first: number, written: readonly string[]): string {
  const given = `unnest($${first}::uuid[], $${first + 1}::uuid[]) as g (id, dispatch_id) where true`;
  return `,${freeSlotsOf(given, written)}`;
}

/** Gives the ids only if some are missing, which is rare. */
const RESULT = `
  select exists (select from fence) as live,
         case when count(*) < cardinality($2) then coalesce(array_agg(id), '{}') end as ids`;
const HANDED_OFF = `, (select held from unblocked) as held, (select ended from unblocked) as ended`;

function makeStatement(hasParents: boolean, hasSlots: boolean): { name: string; text: string } {
  const parts = [
    hasParents ? PARENTS : '',
    recorded(hasParents),
    hasParents ? UNBLOCKED : '',
    hasSlots && hasParents ? freed(12, ['recorded', 'unblocked']) : '',
    hasSlots && !hasParents ? HANDED_OFF_SLOTS : '',
  ];
  const of = hasSlots ? ', (select held from freed) as held, (select slots from freed) as slots' : '';
  const result = `${RESULT}${hasParents ? HANDED_OFF : of} from recorded`;
  return {
    name: `record_${hasParents ? 'steps' : 'successes'}${hasSlots ? '_with_slots' : ''}`,
    text: `with ${parts.join('')} ${result}${hasSlots && hasParents ? ' where (select count(*) from freed) >= 0' : ''}`,
  };
}

const PLAIN = makeStatement(false, false);
const PLAIN_WITH_SLOTS = makeStatement(false, true);
const STEPS = makeStatement(true, false);
const STEPS_WITH_SLOTS = makeStatement(true, true);

function statementOf(has: { hasParents: boolean; hasSlots: boolean }): { name: string; text: string } {
  if (has.hasParents) return has.hasSlots ? STEPS_WITH_SLOTS : STEPS;
  return has.hasSlots ? PLAIN_WITH_SLOTS : PLAIN;
}
