// What the package exports.
export { type Client, createClient, type RawRequest } from './client.ts';
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
export type { ListOptions } from './list.ts';
export type { LogOptions } from './logs.ts';
export type { CallOptions, ClientOptions } from './options.ts';
export type * from './records.ts';
export type { SubmitOptions } from './submit.ts';
export type { SubmitManyOptions, SubmitProgress } from './submit_many.ts';
export type { OperateOptions } from './tasks.ts';
export type { AnyTasks, TasksOf } from './tasks_of.ts';
export type { WaitOptions } from './wait.ts';
