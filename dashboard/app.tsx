import { lazy, LocationProvider, Route, Router } from 'preact-iso';
import { ToastProvider } from './parts/toast.tsx';
import { pageUrl, ROOT } from './session/place.ts';
import { SessionProvider } from './session/session.tsx';
import { NotFound } from './shell/not_found.tsx';
import { Shell } from './shell/shell.tsx';
import { TasksPage } from './tasks/tasks_page.tsx';

const HomePage = lazy(() => import('./home/home_page.tsx').then(({ HomePage }) => HomePage));
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
              <Route default component={NotFound} />
            </Router>
          </Shell>
        </ToastProvider>
      </SessionProvider>
    </LocationProvider>
  );
}
