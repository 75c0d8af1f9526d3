import type { Request, RequestHandler, Response } from 'express';
import type { Pool } from 'pg';
import type { SharedReads } from '../core/concurrency/shared_reads.ts';
import { ErrandError } from '../core/errors.ts';
import type { Registry } from '../core/registry.ts';
import { namespaceOf } from '../core/task.ts';
import type { WaitingTasks } from '../process/waiting.ts';
import type { Connections } from '../store/database/pool.ts';
import { cancellable } from '../store/operators/cancellable.ts';
import type { Submission, SubmitOutcome, Submitted } from '../store/submit/submit.ts';
import type { Task } from '../store/tasks/tasks.ts';
import type { Visibility } from '../store/tasks/visibility.ts';
import { clientOf, principalOf } from './auth/identify.ts';
import type { Principal } from './auth/principal.ts';
import type { Tickets } from './auth/tickets.ts';
import type { CallbackRules } from './callback.ts';
import type { Breaker } from './capacity/breaker.ts';
import type { InFlight } from './capacity/in_flight.ts';
import type { PoolShares } from './capacity/pool_shares.ts';
import { timeLimit } from './capacity/time_limit.ts';
import type { PublicUrl } from './public_url.ts';
import type { Estimates } from './registered/estimates.ts';
import type { RegisteredTasks } from './registered/registered_tasks.ts';
import { callerGone } from './request.ts';
import { type Download, openDownload } from './streams/feed/download.ts';
import { type EventStream, lifetimeOf, openEventStream } from './streams/feed/event_stream.ts';
import type { Streams } from './streams/feed/streams.ts';

/** A pool, and the circuit breaker in front of it. */
export type Guarded = { pool: Pool; breaker: Breaker };

/** The parts of a process that all operations share. */
export type Api = {
  registry: Registry;
  /** The tasks that only other processes have. */
  registered: RegisteredTasks;
  /** Two pools, so that slow reads cannot delay submissions (specification A13). */
  databases: { writes: Guarded; reads: Guarded };
  /** Divides the connections of both pools among clients. */
  poolShares: PoolShares;
  /** Lets callers that ask for the same at the same time share one read. */
  shareRead: SharedReads;
  requestTimeoutMs: number;
  /** For how many days it is known which times of schedules have run. */
  scheduleHistoryDays: number;
  /** Submits one task. Tasks that arrive together are written by one statement. */
  submitOne: (submission: Submission) => Promise<Submitted<Task>>;
  /** Counts the outcome of each submission of a name, for metrics. */
  submitted: (name: string, outcome: SubmitOutcome) => void;
  /** Throws SERVICE_UNAVAILABLE if the namespace has too many waiting tasks (specification A9). */
  admit: (namespace: string) => void;
  callbacks: CallbackRules;
  publicUrl: PublicUrl;
  /** Whether callers must show who they are. Otherwise each of them may do everything. */
  isAuthenticationOn: boolean;
  /** Whether reads need no credentials (AUTH_READS is false). */
  openReads: boolean;
  /** Compares waiting tasks with the definitions of this process. */
  waiting: WaitingTasks;
  estimates: Estimates;
  streams: Streams;
  tickets: Tickets;
  inFlight: InFlight;
  /** Aborted when the process begins to stop. Every wait ends then. */
  stopping: AbortSignal;
};

/** One request, as its operation sees it. */
export type RequestContext = Api & {
  principal: Principal;
  visibility: Visibility;
  /** Aborted when the caller disconnects. */
  readonly gone: AbortSignal;
  /** A long computation calls this regularly. It throws if the time is up or the caller has disconnected. */
  throwIfOver(): void;
  /** Statements through it are cancelled in Postgres when the time of the request is up. */
  writes: Connections;
  /** Statements through it are cancelled when the time is up, and also when the caller disconnects. */
  reads: Connections;
  /**
   * A read that callers share who ask for the same while it waits its turn. `key` has all that it depends on, also
   * the rights of the caller. It is cancelled when all of them have disconnected. If reads of the operation may be expensive,
   * only callers that count as one client share it, because it uses up a part of their share.
   */
  sharedRead<T>(key: readonly unknown[], read: (reads: Connections) => Promise<T>): Promise<T>;
  /**
   * Answers with a stream of events. From now on the request has no time limit. Throws SERVICE_UNAVAILABLE if
   * the maximum number of streams is open.
   */
  openStream(): EventStream;
  /** The same for a download with these headers, which is cut after DOWNLOAD_MS. */
  openDownload(headers: Record<string, string>): Download;
};

/** The maximum time of a download. */
const DOWNLOAD_MS = 600_000;

/** Handles one request. It answers, or throws. */
export type Operation = (context: RequestContext, request: Request, response: Response) => Promise<void>;

/**
 * Makes an Express handler of an operation. The handler throws REQUEST_TIMEOUT when the time is up
 * (specification A7).
 */
export function answerWith(api: Api, { operation, heavy = false }: Answered): RequestHandler {
  return async (request, response) => {
    const limit = timeLimit(request, api.requestTimeoutMs);
    const gone = callerGone(response);
    const principal = principalOf(request);
    const { writes } = api.databases;
    const context: RequestContext = {
      ...api,
      principal,
      visibility: visibilityOf(principal),
      // The getters create these on first use. A submission uses none of them.
      get gone() {
        return gone.signal();
      },
      throwIfOver() {
        limit.signal().throwIfAborted();
        gone.signal().throwIfAborted();
      },
      get writes() {
        const use = api.poolShares.writes(request);
        return writes.breaker.guard(cancellable(writes.pool, limit.signal(), use));
      },
      get reads() {
        const signal = AbortSignal.any([limit.signal(), gone.signal()]);
        return readConnections(api, request, isHeavy(heavy, request), signal);
      },
      sharedRead(key, read) {
        const isBounded = isHeavy(heavy, request);
        const shared = JSON.stringify([isBounded ? clientOf(request) : null, ...key]);
        const readAlone = (left: AbortSignal): ReturnType<typeof read> => {
          const signal = AbortSignal.any([left, AbortSignal.timeout(api.requestTimeoutMs)]);
          return read(readConnections(api, request, isBounded, signal));
        };
        return api.shareRead(shared, readAlone, gone.signal());
      },
      openStream() {
        api.inFlight.toStream(response, 'event_stream');
        limit.clear();
        return openEventStream(response, {
          stopping: api.stopping,
          timing: api.streams.timing,
          lifetimeMs: lifetimeOf(principal, api.streams.timing),
          onRevoked: (end) => api.streams.revocations.watch(principal, end),
        });
      },
      openDownload(headers) {
        api.inFlight.toStream(response, 'event_stream');
        limit.clear();
        return openDownload(response, {
          headers,
          stopping: api.stopping,
          stalledMs: api.streams.timing.stalledMs,
          lifetimeMs: Math.min(DOWNLOAD_MS, lifetimeOf(principal, api.streams.timing)),
          onRevoked: (cut) => api.streams.revocations.watch(principal, cut),
        });
      },
    };
    try {
      await limit.race(operation(context, request, response));
    } catch (error) {
      // The statements were cancelled because the caller disconnected. This is no failure, and nobody
      // receives an answer.
      if (!gone.isSo()) throw error;
      request.log.info('the caller disconnected before the answer');
    } finally {
      limit.clear();
    }
  };
}

/** Connections for reads. Bounded ones use up a part of the share of the client. */
function readConnections(api: Api, request: Request, isBounded: boolean, signal: AbortSignal): Connections {
  const { pool, breaker } = api.databases.reads;
  const use = isBounded ? api.poolShares.heavyReads(request) : {};
  return breaker.guard(cancellable(pool, signal, use));
}

/** The parts of a route that its handler needs. */
type Answered = { operation: Operation; heavy?: Heavy };

/**
 * Whether the reads of an operation may be expensive: a client may run only a few of them at a time. A list
 * names the query parameters that make them expensive, and a function decides for a request.
 */
export type Heavy = boolean | readonly string[] | ((request: Request) => boolean);

function isHeavy(heavy: Heavy, request: Request): boolean {
  if (typeof heavy === 'boolean') return heavy;
  return typeof heavy === 'function'
    ? heavy(request)
    : heavy.some((name) => request.query[name] !== undefined);
}

/** The caller's visibility, in the form that statements take. */
export function visibilityOf({ namespaces, actor }: Principal): Visibility {
  return namespaces === null ? null : { namespaces, actor };
}

/**
 * Throws FORBIDDEN unless the caller may act in the namespace. Call it before you reveal anything about the
 * namespace.
 */
export function requireNamespace({ principal }: Pick<RequestContext, 'principal'>, namespace: string): void {
  if (principal.namespaces === null || principal.namespaces.includes(namespace)) return;
  const shown = JSON.stringify(namespace.slice(0, 128));
  throw new ErrandError('FORBIDDEN', `These credentials do not allow access to the namespace ${shown}`);
}

/** Gives whether the caller may see tasks of a name. */
export function isSeenBy({ principal: { namespaces } }: Pick<RequestContext, 'principal'>) {
  return (name: string): boolean => namespaces === null || namespaces.includes(namespaceOf(name));
}

/** Like `requireNamespace`, for the namespace of a task name. */
export function requireName(context: Pick<RequestContext, 'principal'>, name: string): void {
  requireNamespace(context, name.includes('.') ? namespaceOf(name) : name);
}
