import { PageHead } from '../parts/page.tsx';

export function TaskPage() {
  return <PageHead title="Task" />;
}
