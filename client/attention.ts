import { toCamelCase } from './camel_case.ts';
import { toTime } from './list.ts';
import type { TaskError } from './records.ts';
import type { CallOptions } from './requests/options.ts';
import type { Transport } from './requests/transport.ts';

/** Whether a group of errors needs somebody. `regressed`: it has failed again after it was resolved. */
export type ErrorGroupStatus = 'open' | 'regressed' | 'resolved' | 'ignored';

/** Failures of one task name with the same error. Times are ISO 8601 in UTC. */
export type ErrorGroup = {
  /** The filter `errorGroup` of a list. */
  errorGroup: string;
  name: string;
  namespace: string;
  errorType: string;
  /** The message of the newest failure. */
  message: string;
  /** Failed tasks that were not dismissed, up to 10,000. */
  count: number;
  countIsCapped: boolean;
  firstSeen: string;
  lastSeen: string;
  /** The versions of the oldest and the newest of these tasks. */
  firstVersion: string;
  lastVersion: string;
  status: ErrorGroupStatus;
  decision: { decidedAt: string; actor: string; reason: string | null } | null;
  example: { taskId: string; attempt: number; error: TaskError };
};

/** The filters of groups of errors. */
export type ErrorGroupOptions = CallOptions & {
  name?: string | undefined;
  namespace?: string | undefined;
  /** Only groups with a failure at or after this time. */
  since?: Date | string | undefined;
  status?: ErrorGroupStatus | readonly ErrorGroupStatus[] | undefined;
};

/** A queue with tasks that are due and wait. */
export type WaitingQueue = {
  name: string;
  namespace: string;
  /** Up to 1,000. */
  waiting: number;
  waitingIsCapped: boolean;
  oldestWaitMs: number;
  isPaused: boolean;
  /** The live runners that have this task. */
  runners: number;
  waitingVersions: { version: string; tasks: number }[];
  runnerVersions: { version: string; runners: number }[];
};

/** Everything that needs somebody now. */
export type Overview = {
  at: string;
  since: string;
  errors: {
    open: number;
    regressed: number;
    new: number;
    failedTasks: number;
    quarantinedTasks: number;
    isTruncated: boolean;
    groups: (ErrorGroup & { isNew: boolean })[];
  };
  /** The longest wait first. */
  queues: WaitingQueue[];
  withoutRunner: string[];
  /** Schedules that are overdue or broken. */
  schedules: {
    id: string;
    task: string;
    dueAt: string | null;
    broken: string | null;
    brokenAt: string | null;
  }[];
  pauses: { target: string; pausedAt: string; actor: string; reason: string | null }[];
  runners: { live: number; overdue: number; blocked: number; slots: number; busy: number };
};

/** Reads the groups of errors, the last seen first. */
export async function listErrors(
  transport: Transport,
  { signal, since, ...filter }: ErrorGroupOptions = {},
): Promise<{ groups: ErrorGroup[]; isTruncated: boolean }> {
  const query = { ...filter, since: toTime(since) };
  const { body } = await transport.send({ method: 'GET', path: '/v1/errors', query, signal });
  return toCamelCase(body) as { groups: ErrorGroup[]; isTruncated: boolean };
}

/** Decides about a group of errors. Gives whether that changed it. */
export async function decideErrors(
  transport: Transport,
  errorGroup: string,
  decision: 'resolve' | 'ignore' | 'reopen',
  { signal, reason }: CallOptions & { reason?: string | undefined } = {},
): Promise<boolean> {
  const path = `/v1/errors/${encodeURIComponent(errorGroup)}/${decision}`;
  const { body } = await transport.send({ method: 'PUT', path, query: { reason }, signal, repeatable: true });
  return (body as { changed: boolean }).changed;
}

/** Reads what needs somebody now. */
export async function readOverview(
  transport: Transport,
  { signal, since }: CallOptions & { since?: Date | string | undefined } = {},
): Promise<Overview> {
  const query = { since: toTime(since) };
  const { body } = await transport.send({ method: 'GET', path: '/v1/overview', query, signal });
  return toCamelCase(body) as Overview;
}
