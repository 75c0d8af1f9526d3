// What `import … from 'errand'` gives: everything that a project needs for its tasks.
export type { DedupStrategy, Policy, PolicyInput } from '../core/definitions/policy.ts';
export { upcastFrom } from '../core/definitions/upcast.ts';
export { PermanentError, RateLimited } from '../core/errors.ts';
export { defineLimit, type Limit, type RateLimit } from '../core/limits/define_limit.ts';
export {
  defineSchedule,
  type Moment,
  type ScheduleDefinition,
  type ScheduleInput,
} from '../core/schedules/schedule.ts';
export type { Schema, SchemaInput, SchemaOutput } from '../core/schema.ts';
export {
  defineHandler,
  defineTask,
  type FollowUpOptions,
  type Handler,
  type HandlerResult,
  type TaskContext,
  type TaskDefinition,
} from '../core/task.ts';
export { listTasks, type TaskList } from '../core/task_list.ts';
export {
  defineSteps,
  defineWorkflow,
  type FailedStep,
  type StepContext,
  step,
  type WorkflowDefinition,
  type WorkflowHandlers,
} from '../core/workflow.ts';
export { defineConfig, type ErrandConfig, ProjectError, type Shipped } from '../project/config.ts';
// For schedules and follow-ups that call a URL.
export { httpRequest } from '../tasks/http.request.task.ts';
