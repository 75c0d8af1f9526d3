import {
  decideErrors,
  type ErrorGroup,
  type ErrorGroupOptions,
  listErrors,
  type Overview,
  readOverview,
} from './attention.ts';
import { createLimits, type Limits } from './limits/limits.ts';
import { type ListOptions, listTasks, openCsv, type PageOptions, readPage, type TaskPage } from './list.ts';
import type {
  ChangedTask,
  Explanation,
  FinishedTask,
  LogLine,
  SubmittedItem,
  SubmittedMany,
  SubmittedTask,
  TaskEvent,
  TaskRecord,
  TaskRef,
  TaskSummary,
} from './records.ts';
import { createBreaker } from './requests/breaker.ts';
import type { Method } from './requests/exchange.ts';
import type { CallOptions, ClientOptions } from './requests/options.ts';
import { type RawRequest, requestJson } from './requests/raw.ts';
import { createTransport } from './requests/transport.ts';
import { createSchedules, type Schedules } from './schedules/schedules.ts';
import { createFollow } from './streams/event_stream.ts';
import { type LogOptions, taskEvents, taskLogs } from './streams/logs.ts';
import { type WaitOptions, waitForTask } from './streams/wait.ts';
import { type SubmitOptions, submit } from './submit/submit.ts';
import { type SubmitManyOptions, submitEach, submitMany } from './submit/submit_many.ts';
import {
  cancelTask,
  dismissTask,
  explainTask,
  getTask,
  type OperateOptions,
  type ResubmitOptions,
  resubmitTask,
  retryTask,
} from './tasks.ts';
import type { AnyTasks, NameOf, TaskTypes } from './tasks_of.ts';

/** A task by its id, or any object with an `id`. */
type Ref<Result> = string | TaskRef<Result>;

/** Every call may throw an ErrandError, or the reason of an aborted signal. */
export type Client<Tasks extends TaskTypes = AnyTasks> = {
  /** Submits one task. The options, or else its definition, decide when two submissions are the same task. */
  submit<Name extends NameOf<Tasks>>(
    name: Name,
    payload: Tasks[Name]['payload'],
    options?: SubmitOptions,
  ): Promise<SubmittedTask<Tasks[Name]['result']>>;

  /** Submits many tasks of one name in chunks, and gives the outcome of each in order. */
  submitMany<Name extends NameOf<Tasks>>(
    name: Name,
    payloads: Iterable<Tasks[Name]['payload']> | AsyncIterable<Tasks[Name]['payload']>,
    options?: SubmitManyOptions<Tasks[Name]['payload']>,
  ): Promise<SubmittedMany<Tasks[Name]['result']>>;

  /**
   * Like submitMany, for more tasks than fit into memory. Gives each outcome as it arrives. Reads more
   * payloads only as the outcomes are consumed.
   */
  submitEach<Name extends NameOf<Tasks>>(
    name: Name,
    payloads: Iterable<Tasks[Name]['payload']> | AsyncIterable<Tasks[Name]['payload']>,
    options?: SubmitManyOptions<Tasks[Name]['payload']>,
  ): AsyncGenerator<SubmittedItem<Tasks[Name]['result']>, void, undefined>;

  /**
   * Waits until a task has a result. Throws TaskFailedError if it failed or was cancelled, and TimeoutError
   * after `timeoutMs`. The result is typed if `task` comes from submit. For an id, name the task:
   * `wait<'billing.send_invoice'>(id)`.
   */
  wait<Result>(task: TaskRef<Result>, options?: WaitOptions): Promise<FinishedTask<Result>>;
  wait<Name extends NameOf<Tasks>>(
    id: string,
    options?: WaitOptions,
  ): Promise<FinishedTask<Tasks[Name]['result']>>;

  /** Reads a task with its attempts. */
  get<Result>(task: TaskRef<Result>, options?: CallOptions): Promise<TaskRecord<Result>>;
  get<Name extends NameOf<Tasks>>(
    id: string,
    options?: CallOptions,
  ): Promise<TaskRecord<Tasks[Name]['result']>>;

  /** Gives all matching tasks, newest first. Fetches pages as they are consumed. */
  list(options?: ListOptions): AsyncGenerator<TaskSummary, void, undefined>;

  /** Reads one page of matching tasks, with the total or with chosen fields. */
  page(options?: PageOptions): Promise<TaskPage>;

  /** Opens a download of all matching tasks as CSV. Read the stream to its end or cancel it. */
  csv(options?: Omit<PageOptions, 'page' | 'pageSize'>): Promise<ReadableStream<Uint8Array>>;

  /**
   * Gives the log lines of a task. With `follow`, it continues until the task has ended, with each line once
   * and in order.
   */
  logs(task: Ref<unknown>, options?: LogOptions): AsyncGenerator<LogLine, void, undefined>;

  /** Gives the current state of a task, and each change of its state and progress, until it has ended. */
  events(task: Ref<unknown>, options?: CallOptions): AsyncGenerator<TaskEvent, void, undefined>;

  /** Cancels a task: at once if it is not running, otherwise it is asked to end. */
  cancel<Result>(task: Ref<Result>, options?: OperateOptions): Promise<ChangedTask<Result>>;

  /** Queues a failed, cancelled or expired task again. */
  retry<Result>(task: Ref<Result>, options?: OperateOptions): Promise<ChangedTask<Result>>;

  /** Dismisses a failed task: it needs nobody any more. */
  dismiss<Result>(task: Ref<Result>, options: CallOptions & { reason: string }): Promise<ChangedTask<Result>>;

  /** Replaces a failed, cancelled or expired task by a new one, with an edited payload if one is given. */
  resubmit<Result>(task: Ref<Result>, options: ResubmitOptions): Promise<SubmittedTask<Result>>;

  /** Lists the groups of errors of failed tasks, the last seen first. */
  errors(options?: ErrorGroupOptions): Promise<{ groups: ErrorGroup[]; isTruncated: boolean }>;

  /** Marks a group of errors as resolved or ignored, or opens it again. Gives whether that changed it. */
  decideErrors(
    errorGroup: string,
    decision: 'resolve' | 'ignore' | 'reopen',
    options?: OperateOptions,
  ): Promise<boolean>;

  /** Reads what needs somebody now. Groups of errors are new since `since`, by default for 24 hours. */
  overview(options?: CallOptions & { since?: Date | string | undefined }): Promise<Overview>;

  /** Explains why a task is not running, what it is doing, or how it ended. */
  explain(task: Ref<unknown>, options?: CallOptions): Promise<Explanation>;

  /** How much runs at a time, or starts in a period. */
  readonly limits: Limits;

  /** When which task is submitted. */
  readonly schedules: Schedules<Tasks>;

  /**
   * Calls any other operation of the API, with the same credentials, retries and errors. Gives the JSON of
   * the answer.
   */
  request<Answer = unknown>(method: Method, path: string, request?: RawRequest): Promise<Answer>;
};

/**
 * Makes a client of an API. It holds nothing that needs closing. Throws a TypeError if `baseUrl` is invalid.
 */
export function createClient<Tasks extends TaskTypes = AnyTasks>(options: ClientOptions): Client<Tasks> {
  const transport = createTransport(options, createBreaker(options.breaker));
  const parts = { transport, follow: createFollow(transport, options.streams) };
  const client = {
    submit: submit.bind(null, parts),
    submitMany: submitMany.bind(null, parts),
    submitEach: submitEach.bind(null, parts),
    wait: (task: Ref<unknown>, given?: WaitOptions) => waitForTask(parts, idOf(task), given),
    get: (task: Ref<unknown>, given?: CallOptions) => getTask(transport, idOf(task), given),
    list: listTasks.bind(null, transport),
    page: readPage.bind(null, transport),
    csv: openCsv.bind(null, transport),
    dismiss: (task: Ref<unknown>, given: CallOptions & { reason: string }) =>
      dismissTask(transport, idOf(task), given),
    resubmit: (task: Ref<unknown>, given: ResubmitOptions) => resubmitTask(transport, idOf(task), given),
    errors: listErrors.bind(null, transport),
    decideErrors: decideErrors.bind(null, transport),
    overview: readOverview.bind(null, transport),
    logs: (task: Ref<unknown>, given?: LogOptions) => taskLogs(parts, idOf(task), given),
    events: (task: Ref<unknown>, given?: CallOptions) => taskEvents(parts, idOf(task), given),
    cancel: (task: Ref<unknown>, given?: OperateOptions) => cancelTask(transport, idOf(task), given),
    retry: (task: Ref<unknown>, given?: OperateOptions) => retryTask(transport, idOf(task), given),
    explain: (task: Ref<unknown>, given?: CallOptions) => explainTask(transport, idOf(task), given),
    limits: createLimits(transport),
    schedules: createSchedules(transport),
    request: requestJson.bind(null, transport),
  } satisfies Record<keyof Client, unknown>;
  // The API has validated these values against its definitions, so the client does not check their types
  // again.
  return client as unknown as Client<Tasks>;
}

function idOf(task: Ref<unknown>): string {
  return typeof task === 'string' ? task : task.id;
}
