import type { Policy } from './auth/identify.ts';
import type { Heavy, Operation } from './context.ts';
import { getHandler, listHandlers, listNamespaceHandlers } from './handlers/handlers.ts';
import { deleteLimit } from './limits/delete_limit.ts';
import { getLimit } from './limits/get_limit.ts';
import { listLimits } from './limits/list_limits.ts';
import { putLimit } from './limits/put_limit.ts';
import type { OpenApiDocument } from './openapi/schemas/document.ts';
import { cancelMany, retryErrorGroup, retryMany } from './operators/bulk.ts';
import { enableCallback, listDisabled } from './operators/callbacks.ts';
import { cancelTask } from './operators/cancel_task.ts';
import { ignoreErrors, reopenErrors, resolveErrors } from './operators/decide_errors.ts';
import { listTaskDeliveries, resendDelivery } from './operators/deliveries.ts';
import { dismissTask } from './operators/dismiss_task.ts';
import { getBulk } from './operators/get_bulk.ts';
import { getPrincipal } from './operators/get_principal.ts';
import { listAudit } from './operators/list_audit.ts';
import { listErrors } from './operators/list_errors.ts';
import { listRunners } from './operators/list_runners.ts';
import { overview } from './operators/overview.ts';
import { listQueues, pauseQueue, resumeQueue } from './operators/queues.ts';
import { resubmitTask } from './operators/resubmit_task.ts';
import { retryTask } from './operators/retry_task.ts';
import { backfillSchedule } from './schedules/backfill_schedule.ts';
import { deleteSchedule } from './schedules/delete_schedule.ts';
import { explainSchedule } from './schedules/explain_schedule.ts';
import { getSchedule } from './schedules/get_schedule.ts';
import { listSchedules } from './schedules/list_schedules.ts';
import { pauseSchedule, resumeSchedule } from './schedules/pause_schedule.ts';
import { previewSchedule } from './schedules/preview_schedule.ts';
import { putSchedule } from './schedules/put_schedule.ts';
import { scheduleRuns } from './schedules/schedule_runs.ts';
import { triggerSchedule } from './schedules/trigger_schedule.ts';
import { bottlenecks } from './stats/bottlenecks.ts';
import { performance } from './stats/performance.ts';
import { taskStats } from './stats/task_stats.ts';
import { issueTicket } from './streams/issue_ticket.ts';
import { taskEvents } from './streams/task_events.ts';
import { taskLogs } from './streams/task_logs.ts';
import { submitTaskBatch } from './submit/submit_batch.ts';
import { submitByName, submitTask } from './submit/submit_task.ts';
import { explainTask } from './tasks/explain_task.ts';
import { getTask } from './tasks/get_task.ts';
import { isHeavyList, listTasks } from './tasks/list_tasks.ts';
import { taskAttempts } from './tasks/task_attempts.ts';
import { receiveWebhook } from './webhooks/receive_webhook.ts';
import { resolveStep } from './workflows/resolve_step.ts';
import { workflowAnalytics } from './workflows/workflow_analytics.ts';
import { getStep, listSteps } from './workflows/workflow_steps.ts';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** An operation of the API: its method and path, the rights that its caller needs, and its function. */
export type Route = {
  method: Method;
  path: string;
  policy: Policy;
  operation: Operation;
  heavy?: Heavy;
};

const route = (
  method: Method,
  path: string,
  policy: Policy,
  operation: Operation,
  heavy: Heavy = false,
): Route => ({ method, path, policy, operation, heavy });

/**
 * Every operation of openapi.yaml has one line here, except those of the process itself. No other file adds a
 * route.
 */
export const ROUTES: readonly Route[] = [
  route('get', '/v1/tasks', 'read', listTasks, isHeavyList),
  route('post', '/v1/tasks', 'submit', submitByName),
  // These must stand before `/v1/tasks/:id`, which would match them too.
  route('get', '/v1/tasks/stats', 'read', taskStats, true),
  route('post', '/v1/tasks/retry', 'operate', retryMany, true),
  route('post', '/v1/tasks/cancel', 'operate', cancelMany, true),
  route('get', '/v1/tasks/:id', 'read', getTask),
  route('get', '/v1/tasks/:id/attempts', 'read', taskAttempts),
  route('get', '/v1/tasks/:id/explain', 'read', explainTask, true),
  route('get', '/v1/tasks/:id/logs', 'read', taskLogs),
  route('get', '/v1/tasks/:id/events', 'read', taskEvents),
  route('post', '/v1/stream-tickets', 'read', issueTicket),
  route('get', '/v1/tasks/:id/deliveries', 'read', listTaskDeliveries),
  route('post', '/v1/tasks/:id/deliveries/:delivery_id/resend', 'operate', resendDelivery),
  route('post', '/v1/tasks/:name', 'submit', submitTask),
  route('post', '/v1/tasks/:name/batch', 'submit', submitTaskBatch),
  route('delete', '/v1/tasks/:id', 'operate', cancelTask),
  route('patch', '/v1/tasks/:id/retry', 'operate', retryTask),
  route('post', '/v1/tasks/:id/dismiss', 'operate', dismissTask),
  route('post', '/v1/tasks/:id/resubmit', 'operate', resubmitTask),
  route('get', '/v1/tasks/:id/workflow_steps', 'read', listSteps),
  route('get', '/v1/tasks/:id/workflow_steps/:step_id', 'read', getStep),
  route('patch', '/v1/tasks/:id/workflow_steps/:step_id', 'operate', resolveStep),
  route('post', '/v1/webhooks/gitea', 'signed', receiveWebhook),
  route('post', '/v1/webhooks/github', 'signed', receiveWebhook),
  route('post', '/v1/webhooks/:source', 'signed', receiveWebhook),
  route('get', '/v1/errors', 'read', listErrors, true),
  route('post', '/v1/errors/:error_group/retry', 'operate', retryErrorGroup, true),
  route('put', '/v1/errors/:error_group/resolve', 'operate', resolveErrors),
  route('put', '/v1/errors/:error_group/ignore', 'operate', ignoreErrors),
  route('put', '/v1/errors/:error_group/reopen', 'operate', reopenErrors),
  route('get', '/v1/overview', 'read', overview, true),
  route('get', '/v1/queues', 'read', listQueues),
  route('put', '/v1/queues/:queue/pause', 'operate', pauseQueue),
  route('put', '/v1/queues/:queue/resume', 'operate', resumeQueue),
  route('get', '/v1/limits', 'read', listLimits, true),
  route('get', '/v1/limits/:limit_name', 'read', getLimit, true),
  route('put', '/v1/limits/:limit_name', 'operate', putLimit),
  route('delete', '/v1/limits/:limit_name', 'operate', deleteLimit),
  route('get', '/v1/schedules', 'read', listSchedules, ['state', 'origin']),
  route('post', '/v1/schedules/preview', 'read', previewSchedule),
  route('get', '/v1/schedules/:schedule_id', 'read', getSchedule),
  route('put', '/v1/schedules/:schedule_id', 'operate', putSchedule),
  route('delete', '/v1/schedules/:schedule_id', 'operate', deleteSchedule),
  route('put', '/v1/schedules/:schedule_id/pause', 'operate', pauseSchedule),
  route('put', '/v1/schedules/:schedule_id/resume', 'operate', resumeSchedule),
  route('post', '/v1/schedules/:schedule_id/trigger', 'operate', triggerSchedule),
  route('post', '/v1/schedules/:schedule_id/backfill', 'operate', backfillSchedule),
  route('get', '/v1/schedules/:schedule_id/runs', 'read', scheduleRuns, ['outcome', 'reason']),
  route('get', '/v1/schedules/:schedule_id/explain', 'read', explainSchedule),
  route('get', '/v1/callbacks/disabled', 'read', listDisabled),
  route('post', '/v1/callbacks/enable', 'operate', enableCallback),
  route('get', '/v1/audit', 'operate', listAudit),
  route('get', '/v1/bulk/:bulk_id', 'operate', getBulk, true),
  route('get', '/v1/principal', 'known', getPrincipal),
  route('get', '/v1/runners', 'read', listRunners),
  route('get', '/v1/handlers', 'read', listHandlers),
  route('get', '/v1/handlers/:namespace', 'read', listNamespaceHandlers),
  route('get', '/v1/handlers/:namespace/:name', 'read', getHandler),
  route('get', '/v1/analytics/performance', 'read', performance, true),
  route('get', '/v1/analytics/bottlenecks', 'read', bottlenecks, true),
  route('get', '/v1/analytics/workflows/:namespace/:name', 'read', workflowAnalytics, true),
];

/** The path of WebSockets. It is not an operation, because OpenAPI cannot describe WebSockets. */
export const SOCKET_PATH = '/ws';

/** Paths that are neither operations nor probes. */
export const PAGES: readonly Omit<Route, 'operation'>[] = [
  { method: 'get', path: '/openapi.yaml', policy: 'open' },
  { method: 'get', path: '/docs', policy: 'open' },
  { method: 'get', path: '/ui', policy: 'open' },
  { method: 'get', path: SOCKET_PATH, policy: 'read' },
];

/** Paths on which the process describes itself. They never need credentials (specification A5). */
const OPEN_PATHS = new Set([
  '/health',
  '/ready',
  '/live',
  '/health/ready',
  '/health/live',
  '/health/detailed',
  '/metrics',
  ...PAGES.map(({ path }) => path),
]);

/**
 * Throws unless every operation of the document has a policy. Otherwise the process could start with an
 * operation that by mistake is open to everybody.
 */
export function assertPolicies(document: OpenApiDocument, routes: readonly Route[] = ROUTES): void {
  const bare = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => policyOf(method, path, routes) === undefined)
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
  if (bare.length > 0)
    throw new Error(
      `These operations have no policy: ${bare.join(', ')}. Add a route for each to ROUTES in api/operations.ts`,
    );
}

/** The policy of an operation of the document; undefined if it has none. */
export function policyOf(
  method: string,
  path: string,
  routes: readonly Route[] = ROUTES,
): Policy | undefined {
  if (OPEN_PATHS.has(path)) return 'open';
  return routes.find((one) => one.method === method && covers(one.path, path))?.policy;
}

/**
 * Whether a path of the document, which may contain `{id}` or the name of a task, matches the path of a
 * route.
 */
function covers(routePath: string, documentPath: string): boolean {
  const parts = documentPath.split('/');
  const expected = routePath.split('/');
  return (
    parts.length === expected.length &&
    expected.every(
      (part, index) => part === parts[index] || (part.startsWith(':') && /[{.]/.test(parts[index] ?? '')),
    )
  );
}
