import type { Request, RequestHandler, Response } from 'express';
import type { Pool } from 'pg';
import { ErrandError } from '../core/errors.ts';
import type { Registry } from '../core/registry.ts';
import { namespaceOf } from '../core/task.ts';
import type { WaitingTasks } from '../process/waiting.ts';
import { cancellable } from '../store/cancellable.ts';
import type { Connections } from '../store/pool.ts';
import type { Submission, SubmitOutcome, Submitted } from '../store/submit.ts';
import type { Task } from '../store/tasks.ts';
import type { Visibility } from '../store/visibility.ts';
import { principalOf } from './auth/identify.ts';
import type { Principal } from './auth/principal.ts';
import type { Breaker } from './breaker.ts';
import type { CallbackRules } from './callback.ts';
import type { InFlight } from './in_flight.ts';
import { callerGone } from './request.ts';
import { type EventStream, lifetimeOf, openEventStream } from './streams/event_stream.ts';
import type { Streams } from './streams/streams.ts';
import { timeLimit } from './time_limit.ts';

/** A pool, and the breaker in front of it. */
export type Guarded = { pool: Pool; breaker: Breaker };

/** What the operations of a process share. */
export type Api = {
  registry: Registry;
  /** Apart, so that slow reads can't keep submissions waiting (specification A13). */
  databases: { writes: Guarded; reads: Guarded };
  requestTimeoutMs: number;
  /** Submits one task; those that arrive together are written by one statement. */
  submitOne: (submission: Submission) => Promise<Submitted<Task>>;
  /** Is told what became of each submission of a name. */
  submitted: (name: string, outcome: SubmitOutcome) => void;
  /** Throws SERVICE_UNAVAILABLE when a namespace has as much waiting as it may (specification A9). */
  admit: (namespace: string) => void;
  callbacks: CallbackRules;
  /** How tasks that wait fit the definitions of this process. */
  waiting: WaitingTasks;
  streams: Streams;
  inFlight: InFlight;
  /** Aborted when the process is on its way out: nobody waits any longer. */
  stopping: AbortSignal;
};

/** One request, as an operation sees it. */
export type Call = Api & {
  principal: Principal;
  visibility: Visibility;
  /** Aborted when the caller has hung up. */
  readonly gone: AbortSignal;
  /** For what computes for long: throws when nobody waits for it any more, because the time is up or the caller has hung up. */
  throwIfOver(): void;
  /** Its statement is cancelled in Postgres when the time of the request is up. */
  writes: Connections;
  /** The same, and also when the caller has hung up. */
  reads: Connections;
  /**
   * Answers with a stream of events. The request has no time limit from now on. Throws SERVICE_UNAVAILABLE when there are as
   * many as there may be.
   */
  openStream(): EventStream;
};

/** What is done for a request. It answers, or throws. */
export type Operation = (call: Call, request: Request, response: Response) => Promise<void>;

/** An operation as a handler of Express. Throws REQUEST_TIMEOUT when its time is up (specification A7). */
export function answerWith(api: Api, operation: Operation): RequestHandler {
  return async (request, response) => {
    const limit = timeLimit(request, api.requestTimeoutMs);
    const gone = callerGone(response);
    const principal = principalOf(request);
    const { writes, reads } = api.databases;
    const call: Call = {
      ...api,
      principal,
      visibility: visibilityOf(principal),
      // Made when they are used: a submission needs none of them.
      get gone() {
        return gone.signal();
      },
      throwIfOver() {
        limit.signal().throwIfAborted();
        gone.signal().throwIfAborted();
      },
      get writes() {
        return writes.breaker.guard(cancellable(writes.pool, limit.signal()));
      },
      get reads() {
        const signal = AbortSignal.any([limit.signal(), gone.signal()]);
        return reads.breaker.guard(cancellable(reads.pool, signal));
      },
      openStream() {
        api.inFlight.toStream(response);
        limit.clear();
        return openEventStream(response, {
          stopping: api.stopping,
          timing: api.streams.timing,
          lifetimeMs: lifetimeOf(principal, api.streams.timing),
        });
      },
    };
    try {
      await limit.race(operation(call, request, response));
    } catch (error) {
      // Its statements were cancelled: that is no failure, and nobody is there to be told.
      if (!gone.isSo()) throw error;
      request.log.info('the caller hung up');
    } finally {
      limit.clear();
    }
  };
}

/** What a caller may see, as statements take it. */
export function visibilityOf({ namespaces, actor }: Principal): Visibility {
  return namespaces === null ? null : { namespaces, actor };
}

/** Throws FORBIDDEN unless the caller may act in a namespace. Before anything is told of what is in it. */
export function requireNamespace({ principal }: Pick<Call, 'principal'>, namespace: string): void {
  if (principal.namespaces === null || principal.namespaces.includes(namespace)) return;
  const shown = JSON.stringify(namespace.slice(0, 128));
  throw new ErrandError('FORBIDDEN', `These credentials are not for the namespace ${shown}`);
}

/** The same for the namespace of a task's name. */
export function requireName(call: Pick<Call, 'principal'>, name: string): void {
  requireNamespace(call, name.includes('.') ? namespaceOf(name) : name);
}
