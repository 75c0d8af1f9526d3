import { createFollow } from './event_stream.ts';
import type { Method, Query } from './exchange.ts';
import { type ListOptions, listTasks } from './list.ts';
import { type LogOptions, taskEvents, taskLogs } from './logs.ts';
import type { CallOptions, ClientOptions } from './options.ts';
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
import { type SubmitOptions, submit } from './submit.ts';
import { type SubmitManyOptions, submitEach, submitMany } from './submit_many.ts';
import { cancelTask, explainTask, getTask, type OperateOptions, retryTask } from './tasks.ts';
import type { AnyTasks, NameOf, TaskTypes } from './tasks_of.ts';
import { createTransport } from './transport.ts';
import { type WaitOptions, waitForTask } from './wait.ts';

/** A request to an operation that has no method of its own here; names are those of the wire. */
export type RawRequest = CallOptions & {
  query?: Query | undefined;
  /** Anything that JSON can express. */
  body?: unknown;
  headers?: Record<string, string> | undefined;
  /** Whether it may be sent again when it is not known what became of it; without it a GET may. */
  repeatable?: boolean | undefined;
};

/** A task by its id, or whatever has that. */
type Ref<Result> = string | TaskRef<Result>;

/** Every call may throw an ErrandError, or the reason of a signal. */
export type Client<Tasks extends TaskTypes = AnyTasks> = {
  /** Submits one task. What makes it the same as another one is what its definition says, or the options. */
  submit<Name extends NameOf<Tasks>>(
    name: Name,
    payload: Tasks[Name]['payload'],
    options?: SubmitOptions,
  ): Promise<SubmittedTask<Tasks[Name]['result']>>;

  /** Submits many tasks of one name, in chunks, and gives what became of each, in order. */
  submitMany<Name extends NameOf<Tasks>>(
    name: Name,
    payloads: Iterable<Tasks[Name]['payload']> | AsyncIterable<Tasks[Name]['payload']>,
    options?: SubmitManyOptions<Tasks[Name]['payload']>,
  ): Promise<SubmittedMany<Tasks[Name]['result']>>;

  /** The same for more than memory holds: gives what became of each as it comes, and reads on as that is taken. */
  submitEach<Name extends NameOf<Tasks>>(
    name: Name,
    payloads: Iterable<Tasks[Name]['payload']> | AsyncIterable<Tasks[Name]['payload']>,
    options?: SubmitManyOptions<Tasks[Name]['payload']>,
  ): AsyncGenerator<SubmittedItem<Tasks[Name]['result']>, void, undefined>;

  /**
   * Waits until a task has come to a result. Throws TaskFailedError when it failed or was cancelled, TimeoutError
   * after `timeoutMs`. What submit has given is typed; of an id say whose it is: `wait<'billing.send_invoice'>(id)`.
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

  /** Gives all tasks that match, newest first, and fetches pages of them as they are wanted. */
  list(options?: ListOptions): AsyncGenerator<TaskSummary, void, undefined>;

  /** Gives the lines that a task has logged; with `follow` until it has ended, each once and in order. */
  logs(task: Ref<unknown>, options?: LogOptions): AsyncGenerator<LogLine, void, undefined>;

  /** Gives what a task is at, and each change of its state and its progress, until it has ended. */
  events(task: Ref<unknown>, options?: CallOptions): AsyncGenerator<TaskEvent, void, undefined>;

  /** Cancels a task: at once when it does not run, else it is asked to end. */
  cancel<Result>(task: Ref<Result>, options?: OperateOptions): Promise<ChangedTask<Result>>;

  /** Queues a failed or cancelled task again. */
  retry<Result>(task: Ref<Result>, options?: OperateOptions): Promise<ChangedTask<Result>>;

  /** Asks why a task does not run, or what it is at, or how it ended. */
  explain(task: Ref<unknown>, options?: CallOptions): Promise<Explanation>;

  /** Any other operation of the API, with the same credentials, retries and errors; gives the JSON of the answer. */
  request<Answer = unknown>(method: Method, path: string, request?: RawRequest): Promise<Answer>;
};

/**
 * Makes a client of an API. It holds nothing that has to be closed. Throws a TypeError for a `baseUrl` that is none.
 */
export function createClient<Tasks extends TaskTypes = AnyTasks>(options: ClientOptions): Client<Tasks> {
  const transport = createTransport(options);
  const door = { transport, follow: createFollow(transport, options.streams) };
  const client = {
    submit: submit.bind(null, door),
    submitMany: submitMany.bind(null, door),
    submitEach: submitEach.bind(null, door),
    wait: (task: Ref<unknown>, given?: WaitOptions) => waitForTask(door, idOf(task), given),
    get: (task: Ref<unknown>, given?: CallOptions) => getTask(transport, idOf(task), given),
    list: listTasks.bind(null, transport),
    logs: (task: Ref<unknown>, given?: LogOptions) => taskLogs(door, idOf(task), given),
    events: (task: Ref<unknown>, given?: CallOptions) => taskEvents(door, idOf(task), given),
    cancel: (task: Ref<unknown>, given?: OperateOptions) => cancelTask(transport, idOf(task), given),
    retry: (task: Ref<unknown>, given?: OperateOptions) => retryTask(transport, idOf(task), given),
    explain: (task: Ref<unknown>, given?: CallOptions) => explainTask(transport, idOf(task), given),
    request: async (method: Method, path: string, { body, ...given }: RawRequest = {}) => {
      const sent = body === undefined ? undefined : JSON.stringify(body);
      return (await transport.send({ ...given, method, path, body: sent })).body;
    },
  } satisfies Record<keyof Client, unknown>;
  // That what comes back is of these types is the word of the API, which has checked it.
  return client as unknown as Client<Tasks>;
}

function idOf(task: Ref<unknown>): string {
  return typeof task === 'string' ? task : task.id;
}
