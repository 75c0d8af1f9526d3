// The exports of the package.
export type * from './attention.ts';
export { type Client, createClient } from './client.ts';
export {
  CircuitOpenError,
  ConflictError,
  ConnectionError,
  ErrandError,
  ForbiddenError,
  NotFoundError,
  RateLimitedError,
  TaskFailedError,
  TimeoutError,
  UnauthorizedError,
  UnavailableError,
  ValidationError,
} from './errors.ts';
export type { GetLimitOptions, Limits, ListLimitsOptions } from './limits/limits.ts';
export type * from './limits/records.ts';
export type { ListOptions, PageOptions, TaskFilters, TaskPage } from './list.ts';
export type * from './records.ts';
export type { CallOptions, ClientOptions } from './requests/options.ts';
export type { RawRequest } from './requests/raw.ts';
export type * from './schedules/records.ts';
export type {
  BackfillOptions,
  ExplainScheduleOptions,
  ListSchedulesOptions,
  PutScheduleOptions,
  ScheduleInput,
  ScheduleRunsOptions,
  ScheduleTiming,
  TriggerOptions,
} from './schedules/schedules.ts';
export type { LogOptions } from './streams/logs.ts';
export type { WaitOptions } from './streams/wait.ts';
export type { SubmitOptions } from './submit/submit.ts';
export type { SubmitManyOptions, SubmitProgress } from './submit/submit_many.ts';
export type { OperateOptions, ResubmitOptions } from './tasks.ts';
export type { AnyTasks, TasksOf } from './tasks_of.ts';
