import { LocationProvider, lazy, Route, Router } from 'preact-iso';
import { ToastProvider } from './parts/toast.tsx';
import { pageUrl, ROOT } from './session/place.ts';
import { SessionProvider } from './session/session.tsx';
import { NotFound } from './shell/not_found.tsx';
import { Shell } from './shell/shell.tsx';
import { TasksPage } from './tasks/tasks_page.tsx';

const HomePage = lazy(() => import('./home/home_page.tsx').then(({ HomePage }) => HomePage));
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
const SubmitPage = lazy(() => import('./submit/submit_page.tsx').then(({ SubmitPage }) => SubmitPage));
const TaskPage = lazy(() => import('./task/task_page.tsx').then(({ TaskPage }) => TaskPage));

/** The dashboard. Its pages load their code when they are opened. */
export function App() {
  return (
    <LocationProvider scope={ROOT}>
      <SessionProvider>
        <ToastProvider>
          <Shell>
            <Router>
              <Route path={pageUrl('')} component={HomePage} />
              <Route path={pageUrl('tasks')} component={TasksPage} />
              <Route path={pageUrl('tasks/:id')} component={TaskPage} />
              <Route path={pageUrl('errors')} component={ErrorsPage} />
              <Route path={pageUrl('errors/:id')} component={ErrorPage} />
              <Route path={pageUrl('queues')} component={QueuesPage} />
              <Route path={pageUrl('limits')} component={LimitsPage} />
              <Route path={pageUrl('limits/:id')} component={LimitPage} />
              <Route path={pageUrl('runners')} component={RunnersPage} />
              <Route path={pageUrl('callbacks')} component={CallbacksPage} />
              <Route path={pageUrl('audit')} component={AuditPage} />
              <Route path={pageUrl('schedules')} component={SchedulesPage} />
              <Route path={pageUrl('schedules/:id')} component={SchedulePage} />
              <Route path={pageUrl('submit')} component={SubmitPage} />
              <Route default component={NotFound} />
            </Router>
          </Shell>
        </ToastProvider>
      </SessionProvider>
    </LocationProvider>
  );
}
