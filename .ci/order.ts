import type { IForbiddenRuleType } from 'dependency-cruiser';

/**
 * The folders of the large rooms, and the files beside them that take part, from the lowest. A row
 * may import the rows before it, but nothing in its own row or a later one. docs/architecture.md
 * describes each.
 */
export const ORDER: Readonly<Record<string, readonly (readonly string[])[]>> = {
  core: [
    [
      'core/concurrency/',
      'core/errors.ts',
      'core/histogram.ts',
      'core/network/',
      'core/dispatch_identifier.ts',
      'core/dispatches.ts',
      'core/states.ts',
      'core/task_id.ts',
    ],
    ['core/json/', 'core/schema.ts'],
    ['core/expressions/', 'core/json_schema/', 'core/limits/', 'core/verdict/'],
    ['core/definitions/'],
    ['core/task.ts'],
    ['core/batch_handler.ts', 'core/payload.ts', 'core/registry.ts', 'core/workflows/'],
    ['core/explain/', 'core/registration/', 'core/workflow.ts'],
    ['core/schedules/'],
  ],
  store: [
    ['store/database/'],
    ['store/tasks/'],
    ['store/stats/'],
    ['store/limits/', 'store/workflows/'],
    ['store/submit/'],
    ['store/attempts/'],
    ['store/operators/'],
    ['store/schedules/'],
    ['store/doctor/', 'store/testing/'],
  ],
  runner: [
    ['runner/record/'],
    ['runner/execute/'],
    ['runner/builtin/', 'runner/fetch/', 'runner/lease/', 'runner/schedules/'],
    ['runner/alone/', 'runner/maintenance/'],
    ['runner/runner.ts'],
    ['runner/supervisor.ts'],
    ['runner/health/'],
    ['runner/start_runner.ts'],
    ['runner/serve.ts'],
    ['runner/main.ts'],
  ],
  api: [
    [
      'api/auth/',
      'api/callback.ts',
      'api/openapi/schemas/',
      'api/public_url.ts',
      'api/registered/',
      'api/request.ts',
    ],
    ['api/capacity/', 'api/streams/feed/'],
    ['api/context.ts', 'api/errors.ts'],
    ['api/handlers/', 'api/tasks/'],
    ['api/stats/', 'api/streams/', 'api/submit/'],
    ['api/operators/', 'api/warm_up.ts', 'api/webhooks/'],
    ['api/limits/', 'api/schedules/', 'api/workflows/'],
    ['api/operations.ts'],
    ['api/openapi/', 'api/routing.ts'],
    ['api/middleware/'],
    ['api/metrics/'],
    ['api/app.ts'],
    ['api/start_api.ts'],
    ['api/serve.ts'],
    ['api/main.ts'],
  ],
  client: [
    ['client/camel_case.ts', 'client/records.ts'],
    ['client/errors.ts', 'client/submitted_task.ts'],
    ['client/requests/'],
    ['client/list.ts', 'client/submit/', 'client/tasks.ts'],
    ['client/limits/', 'client/schedules/', 'client/streams/'],
    ['client/client.ts'],
    ['client/index.ts'],
  ],
};

/**
 * The dependency-cruiser rules for `ORDER`: every folder has its place in it, and imports nothing
 * above that.
 */
export function orderRules(): IForbiddenRuleType[] {
  return Object.entries(ORDER).flatMap(([room, rows]) => [
    {
      name: `${room}-folders-known`,
      severity: 'error' as const,
      from: { path: `^${room}/[^/]+/`, pathNot: pathOf(rows.flat()) },
      to: {},
    },
    ...rows.flatMap((row, index) =>
      row.map((part) => ({
        name: `${room}-order`,
        severity: 'error' as const,
        from: { path: pathOf([part]) },
        to: {
          path: pathOf(
            rows
              .slice(index)
              .flat()
              .filter((other) => other !== part),
          ),
        },
      })),
    ),
  ]);
}

/** A pattern for the files directly in these folders, and for these files. */
function pathOf(parts: readonly string[]): string {
  const folders = parts.filter((part) => part.endsWith('/')).map((part) => part.slice(0, -1));
  const files = parts.filter((part) => !part.endsWith('/')).map((part) => part.replace(/\.ts$/, ''));
  const alternatives = [
    ...(folders.length > 0 ? [`(${folders.join('|')})/[^/]+$`] : []),
    ...(files.length > 0 ? [`(${files.join('|')})\\.js$`] : []),
  ];
  // Nothing is above the last row.
  return alternatives.length > 0 ? `^(${alternatives.join('|')})` : '^$';
}
