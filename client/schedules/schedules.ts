import { toCamelCase } from '../camel_case.ts';
import { ErrandError } from '../errors.ts';
import type { SubmittedTask } from '../records.ts';
import type { CallOptions } from '../requests/options.ts';
import { pages } from '../requests/pages.ts';
import { randomId } from '../requests/random_id.ts';
import type { Transport, WireRequest } from '../requests/transport.ts';
import type { OperateOptions } from '../tasks.ts';
import type { NameOf, TaskTypes } from '../tasks_of.ts';
import type {
  Backfill,
  ChangedSchedule,
  PutSchedule,
  ScheduleExplanation,
  SchedulePreview,
  ScheduleRecord,
  ScheduleRun,
  ScheduleSettings,
  ScheduleState,
  ScheduleSummary,
  SkipReason,
} from './records.ts';

type Moment = Date | string;

/** When a schedule submits. Exactly one of `cron`, `everySeconds` and `at` is set; the API checks it. */
export type ScheduleTiming = {
  /** Five fields, or six with the seconds first, or `@daily`. */
  cron?: string | null | undefined;
  everySeconds?: number | null | undefined;
  /** A single time. */
  at?: Moment | null | undefined;
  /** The IANA time zone of `cron`. The default is UTC. */
  timezone?: string | undefined;
  jitterSeconds?: number | undefined;
  startsAt?: Moment | null | undefined;
  endsAt?: Moment | null | undefined;
};

/** The settings of a schedule. A setting that is left out has its default. */
export type ScheduleInput<Name extends string = string, Payload = unknown> = ScheduleTiming & {
  task: Name;
  payload: Payload;
  description?: string | null | undefined;
} & {
  [K in
    | 'catchUp'
    | 'catchUpWindowSeconds'
    | 'catchUpMax'
    | 'overlap'
    | 'priority'
    | 'maxAttempts'
    | 'expiresInSeconds'
    | 'concurrencyKey']?: ScheduleSettings[K] | undefined;
} & { tags?: readonly string[] | undefined };

export type PutScheduleOptions = OperateOptions & {
  /** Only check, and answer what the schedule would be. */
  dryRun?: boolean | undefined;
};

export type ListSchedulesOptions = CallOptions & {
  namespace?: string | undefined;
  task?: string | undefined;
  state?: ScheduleState | undefined;
  origin?: 'code' | 'api' | undefined;
  /** How many schedules one request fetches. The default is 100, which is the maximum. */
  pageSize?: number | undefined;
};

export type TriggerOptions = OperateOptions & {
  /** A repeated key gives the same task. By default, each call has its own. */
  idempotencyKey?: string | undefined;
};

export type BackfillOptions = OperateOptions & {
  from: Moment;
  to: Moment;
  dryRun?: boolean | undefined;
  /** Submit also times that are older than the recorded history, though they may have run. */
  repeat?: boolean | undefined;
};

export type ScheduleRunsOptions = CallOptions & {
  outcome?: 'submitted' | 'skipped' | undefined;
  reason?: SkipReason | undefined;
  from?: Moment | undefined;
  to?: Moment | undefined;
  pageSize?: number | undefined;
};

export type ExplainScheduleOptions = CallOptions & {
  /** A time, or text without an offset in the time zone of the schedule: `2026-03-29T02:30`. */
  at?: Moment | undefined;
};

/** The operations of schedules. Every call may throw an ErrandError, or the reason of an aborted signal. */
export type Schedules<Tasks extends TaskTypes> = {
  /** Makes or changes a schedule. The same settings again change nothing. */
  put<Name extends NameOf<Tasks>>(
    id: string,
    settings: ScheduleInput<Name, Tasks[Name]['payload']>,
    options?: PutScheduleOptions,
  ): Promise<PutSchedule>;
  /** Gives all matching schedules, by id. Fetches pages as they are consumed. */
  list(options?: ListSchedulesOptions): AsyncGenerator<ScheduleSummary, void, undefined>;
  /** Reads a schedule with its next times and its newest history. */
  get(id: string, options?: CallOptions): Promise<ScheduleRecord>;
  /** Removes a schedule. Its tasks and its history stay. */
  delete(id: string, options?: OperateOptions): Promise<{ id: string; message: string }>;
  /** Its times are skipped until it is resumed. */
  pause(id: string, options?: OperateOptions): Promise<ChangedSchedule>;
  /** It goes on with the first time after now. */
  resume(id: string, options?: OperateOptions): Promise<ChangedSchedule>;
  /** Submits one task now, and moves nothing. */
  trigger(id: string, options?: TriggerOptions): Promise<SubmittedTask>;
  /** Submits the times of a range that have not run. */
  backfill(id: string, options: BackfillOptions): Promise<Backfill>;
  /** Gives the outcome of its times, newest first. Fetches pages as they are consumed. */
  runs(id: string, options?: ScheduleRunsOptions): AsyncGenerator<ScheduleRun, void, undefined>;
  /** Explains why it ran or did not run at a time, or what it does now. */
  explain(id: string, options?: ExplainScheduleOptions): Promise<ScheduleExplanation>;
  /** Says in words what a timing means, and computes its next times. Stores nothing. */
  preview(timing: ScheduleTiming, options?: CallOptions): Promise<SchedulePreview>;
};

/** Makes the operations of schedules over a connection to the API. */
export function createSchedules(transport: Transport): Record<keyof Schedules<TaskTypes>, unknown> {
  const send = async (request: WireRequest): Promise<unknown> =>
    toCamelCase((await transport.send(request)).body);
  return {
    async put(id: string, settings: ScheduleInput, { signal, reason, dryRun }: PutScheduleOptions = {}) {
      const body = JSON.stringify(toWire(settings));
      const query = { reason, dry_run: dryRun };
      return flat(await send({ method: 'PUT', path: pathOf(id), query, body, signal, repeatable: true }));
    },
    list: ({ signal, pageSize = 100, ...filter }: ListSchedulesOptions = {}) =>
      pages(transport, '/v1/schedules', 'schedules', { ...filter, page_size: pageSize }, signal),
    get: (id: string, { signal }: CallOptions = {}) => send({ method: 'GET', path: pathOf(id), signal }),
    delete: (id: string, options: OperateOptions = {}) => remove(send, id, options),
    pause: async (id: string, { signal, reason }: OperateOptions = {}) =>
      flat(await send({ ...changeOf(id, 'pause'), query: { reason }, signal })),
    resume: async (id: string, { signal, reason }: OperateOptions = {}) =>
      flat(await send({ ...changeOf(id, 'resume'), query: { reason }, signal })),
    trigger: async (id: string, { signal, reason, idempotencyKey }: TriggerOptions = {}) => {
      const headers = { 'idempotency-key': idempotencyKey ?? randomId() };
      const body = JSON.stringify({ reason });
      const answer = await send({ ...postOf(id, 'trigger'), body, headers, signal, repeatable: true });
      const { task, ...rest } = answer as { task: object };
      return { ...task, ...rest };
    },
    backfill: (id: string, { signal, from, to, dryRun, repeat, reason }: BackfillOptions) => {
      const body = JSON.stringify({ from, to, dry_run: dryRun, repeat, reason });
      return send({ ...postOf(id, 'backfill'), body, signal, repeatable: true });
    },
    runs: (id: string, { signal, from, to, pageSize = 100, ...filter }: ScheduleRunsOptions = {}) => {
      const query = { ...filter, from: textOf(from), to: textOf(to), page_size: pageSize };
      return pages(transport, `${pathOf(id)}/runs`, 'runs', query, signal);
    },
    explain: (id: string, { signal, at }: ExplainScheduleOptions = {}) =>
      send({ method: 'GET', path: `${pathOf(id)}/explain`, query: { at: textOf(at) }, signal }),
    preview: (timing: ScheduleTiming, { signal }: CallOptions = {}) => {
      const body = JSON.stringify(toWire(timing));
      return send({ method: 'POST', path: '/v1/schedules/preview', body, signal, repeatable: true });
    },
  };
}

function pathOf(id: string): string {
  return `/v1/schedules/${encodeURIComponent(id)}`;
}

const postOf = (id: string, operation: string) =>
  ({ method: 'POST', path: `${pathOf(id)}/${operation}` }) as const;

const changeOf = (id: string, operation: string) =>
  ({ method: 'PUT', path: `${pathOf(id)}/${operation}`, repeatable: true }) as const;

/** The schedule of an answer, with the rest of it. */
function flat(answer: unknown): unknown {
  const { schedule, ...rest } = answer as { schedule: object };
  return { ...schedule, ...rest };
}

/**
 * Removes a schedule. If the answer to the first attempt was lost, the second one may not find it any more: that
 * counts as success.
 */
async function remove(
  send: (request: WireRequest) => Promise<unknown>,
  id: string,
  { signal, reason }: OperateOptions,
): Promise<unknown> {
  let attempts = 0;
  try {
    return await send({
      method: 'DELETE',
      path: pathOf(id),
      query: { reason },
      signal,
      repeatable: true,
      onAttempt: () => {
        attempts++;
      },
    });
  } catch (error) {
    if (!(error instanceof ErrandError) || error.status !== 404 || attempts === 1) throw error;
    return { id, message: 'An earlier request did this, but its answer was lost' };
  }
}

/** Settings in the names of the API. The names inside the payload are the caller's. Dates become text in JSON. */
function toWire(settings: ScheduleTiming): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}

function textOf(time: Moment | undefined): string | undefined {
  return time instanceof Date ? time.toISOString() : time;
}
