import type { ComponentType } from 'preact';
import { LocationProvider, lazy, Route, Router } from 'preact-iso';
// The types of preact-iso have it at its main entry, which does not.
import { exec } from 'preact-iso/router';
import { HomePage } from './home/home_page.tsx';
import { ToastProvider } from './parts/toast.tsx';
import { pageUrl, ROOT } from './session/place.ts';
import { SessionProvider } from './session/session.tsx';
import { NotFound } from './shell/not_found.tsx';
import { Shell } from './shell/shell.tsx';
import { TasksPage } from './tasks/tasks_page.tsx';

const ErrorsPage = lazy(() => import('./errors/errors_page.tsx').then(({ ErrorsPage }) => ErrorsPage));
const ErrorPage = lazy(() => import('./errors/error_page.tsx').then(({ ErrorPage }) => ErrorPage));
const QueuesPage = lazy(() => import('./queues/queues_page.tsx').then(({ QueuesPage }) => QueuesPage));
const LimitsPage = lazy(() => import('./limits/limits_page.tsx').then(({ LimitsPage }) => LimitsPage));
const LimitPage = lazy(() => import('./limits/limit_page.tsx').then(({ LimitPage }) => LimitPage));
const RunnersPage = lazy(() => import('./runners/runners_page.tsx').then(({ RunnersPage }) => RunnersPage));
const AuditPage = lazy(() => import('./audit/audit_page.tsx').then(({ AuditPage }) => AuditPage));
const CallbacksPage = lazy(() =>
  import('./callbacks/callbacks_page.tsx').then(({ CallbacksPage }) => CallbacksPage),
);
const SchedulesPage = lazy(() =>
  import('./schedules/schedules_page.tsx').then(({ SchedulesPage }) => SchedulesPage),
);
const SchedulePage = lazy(() =>
  import('./schedules/schedule_page.tsx').then(({ SchedulePage }) => SchedulePage),
);
const EditSchedulePage = lazy(() =>
  import('./schedules/edit_schedule_page.tsx').then(({ EditSchedulePage }) => EditSchedulePage),
);
const SubmitPage = lazy(() => import('./submit/submit_page.tsx').then(({ SubmitPage }) => SubmitPage));
const TaskPage = lazy(() => import('./task/task_page.tsx').then(({ TaskPage }) => TaskPage));

/** The pages by their paths. The first that matches is shown. The two that most visits start at come with the shell. */
const PAGES: readonly (readonly [path: string, page: ComponentType])[] = [
  ['', HomePage],
  ['tasks', TasksPage],
  ['tasks/:id', TaskPage],
  ['errors', ErrorsPage],
  ['errors/:id', ErrorPage],
  ['queues', QueuesPage],
  ['limits', LimitsPage],
  ['limits/:id', LimitPage],
  ['runners', RunnersPage],
  ['callbacks', CallbacksPage],
  ['audit', AuditPage],
  ['schedules', SchedulesPage],
  ['schedules/new', EditSchedulePage],
  ['schedules/:id/edit', EditSchedulePage],
  ['schedules/:id', SchedulePage],
  ['submit', SubmitPage],
];

// The code of the page is loaded while the shell asks who the user is.
const asked = PAGES.find(([path]) => exec(location.pathname, pageUrl(path)))?.[1];
if (asked !== undefined && 'preload' in asked && typeof asked.preload === 'function') asked.preload();

/** The dashboard. Its pages load their code when they are opened. */
export function App() {
  return (
    <LocationProvider scope={ROOT}>
      <SessionProvider>
        <ToastProvider>
          <Shell>
            <Router>
              {PAGES.map(([path, page]) => (
                <Route key={path} path={pageUrl(path)} component={page} />
              ))}
              <Route default component={NotFound} />
            </Router>
          </Shell>
        </ToastProvider>
      </SessionProvider>
    </LocationProvider>
  );
}
