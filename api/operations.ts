import type { Policy } from './auth/identify.ts';
import type { Operation } from './call.ts';
import type { OpenApiDocument } from './openapi/document.ts';
import { bottlenecks } from './routes/bottlenecks.ts';
import { cancelMany, retryErrorGroup, retryMany } from './routes/bulk.ts';
import { enableCallback, listDisabled } from './routes/callbacks.ts';
import { cancelTask } from './routes/cancel_task.ts';
import { listTaskDeliveries, resendDelivery } from './routes/deliveries.ts';
import { explainTask } from './routes/explain_task.ts';
import { getHandler } from './routes/get_handler.ts';
import { getTask } from './routes/get_task.ts';
import { listAudit } from './routes/list_audit.ts';
import { listErrors } from './routes/list_errors.ts';
import { listHandlers, listNamespaceHandlers } from './routes/list_handlers.ts';
import { listQueues } from './routes/list_queues.ts';
import { listRunners } from './routes/list_runners.ts';
import { listTasks } from './routes/list_tasks.ts';
import { pauseQueue, resumeQueue } from './routes/pause_queue.ts';
import { performance } from './routes/performance.ts';
import { receiveWebhook } from './routes/receive_webhook.ts';
import { resolveStep } from './routes/resolve_step.ts';
import { retryTask } from './routes/retry_task.ts';
import { submitTaskBatch } from './routes/submit_batch.ts';
import { submitByName, submitTask } from './routes/submit_task.ts';
import { taskEvents } from './routes/task_events.ts';
import { taskLogs } from './routes/task_logs.ts';
import { taskStats } from './routes/task_stats.ts';
import { workflowAnalytics } from './routes/workflow_analytics.ts';
import { getStep, listSteps } from './routes/workflow_steps.ts';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** An operation of the API: where it is, what it asks of its caller, what it does. */
export type Route = { method: Method; path: string; policy: Policy; operation: Operation };

const route = (method: Method, path: string, policy: Policy, operation: Operation): Route => ({
  method,
  path,
  policy,
  operation,
});

/** Every operation of openapi.yaml but those of the process itself has its line here, and no other has a route. */
export const ROUTES: readonly Route[] = [
  route('get', '/v1/tasks', 'read', listTasks),
  route('post', '/v1/tasks', 'submit', submitByName),
  // Before the one of a task, which it would be taken for.
  route('get', '/v1/tasks/stats', 'read', taskStats),
  route('post', '/v1/tasks/retry', 'operate', retryMany),
  route('post', '/v1/tasks/cancel', 'operate', cancelMany),
  route('get', '/v1/tasks/:id', 'read', getTask),
  route('get', '/v1/tasks/:id/explain', 'read', explainTask),
  route('get', '/v1/tasks/:id/logs', 'read', taskLogs),
  route('get', '/v1/tasks/:id/events', 'read', taskEvents),
  route('get', '/v1/tasks/:id/deliveries', 'read', listTaskDeliveries),
  route('post', '/v1/tasks/:id/deliveries/:delivery_id/resend', 'operate', resendDelivery),
  route('post', '/v1/tasks/:name', 'submit', submitTask),
  route('post', '/v1/tasks/:name/batch', 'submit', submitTaskBatch),
  route('delete', '/v1/tasks/:id', 'operate', cancelTask),
  route('patch', '/v1/tasks/:id/retry', 'operate', retryTask),
  route('get', '/v1/tasks/:id/workflow_steps', 'read', listSteps),
  route('get', '/v1/tasks/:id/workflow_steps/:step_id', 'read', getStep),
  route('patch', '/v1/tasks/:id/workflow_steps/:step_id', 'operate', resolveStep),
  route('post', '/v1/webhooks/gitea', 'signed', receiveWebhook),
  route('post', '/v1/webhooks/github', 'signed', receiveWebhook),
  route('post', '/v1/webhooks/:source', 'signed', receiveWebhook),
  route('get', '/v1/errors', 'read', listErrors),
  route('post', '/v1/errors/:error_group/retry', 'operate', retryErrorGroup),
  route('get', '/v1/queues', 'read', listQueues),
  route('put', '/v1/queues/:queue/pause', 'operate', pauseQueue),
  route('put', '/v1/queues/:queue/resume', 'operate', resumeQueue),
  route('get', '/v1/callbacks/disabled', 'read', listDisabled),
  route('post', '/v1/callbacks/enable', 'operate', enableCallback),
  route('get', '/v1/audit', 'operate', listAudit),
  route('get', '/v1/runners', 'read', listRunners),
  route('get', '/v1/handlers', 'read', listHandlers),
  route('get', '/v1/handlers/:namespace', 'read', listNamespaceHandlers),
  route('get', '/v1/handlers/:namespace/:name', 'read', getHandler),
  route('get', '/v1/analytics/performance', 'read', performance),
  route('get', '/v1/analytics/bottlenecks', 'read', bottlenecks),
  route('get', '/v1/analytics/workflows/:namespace/:name', 'read', workflowAnalytics),
];

/** Where WebSockets are: no operation, as OpenAPI has no words for them. */
export const SOCKET_PATH = '/ws';

/** What is neither an operation nor a probe. */
export const PAGES: readonly Omit<Route, 'operation'>[] = [
  { method: 'get', path: '/openapi.yaml', policy: 'open' },
  { method: 'get', path: '/docs', policy: 'open' },
  { method: 'get', path: SOCKET_PATH, policy: 'read' },
];

/** What the process tells of itself: it needs no credentials, ever (specification A5). */
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
 * Throws unless each operation of the document is covered by a policy: the process must not start with one that lets
 * everybody in by oversight.
 */
export function assertPolicies(document: OpenApiDocument, routes: readonly Route[] = ROUTES): void {
  const bare = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => policyOf(method, path, routes) === undefined)
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
  if (bare.length > 0) throw new Error(`No policy says who may do ${bare.join(', ')}: see api/operations.ts`);
}

/** What an operation of the document asks of its caller; undefined when nothing says so. */
export function policyOf(
  method: string,
  path: string,
  routes: readonly Route[] = ROUTES,
): Policy | undefined {
  if (OPEN_PATHS.has(path)) return 'open';
  return routes.find((one) => one.method === method && covers(one.path, path))?.policy;
}

/** Whether a path of the document, with `{id}` or the name of a task in it, is one of a route. */
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
