import type { TaskRecord } from '../data/records.ts';
import { PageLink } from '../parts/link.tsx';
import { Card } from '../parts/page.tsx';
import { TaskTable } from '../tasks/task_table.tsx';
import { counted } from '../text/words.ts';
import { useChildren } from './use_children.ts';

const SHOWN = 20;

/** The tasks that this task has created, the failed ones first. */
export function Children({ task }: { task: TaskRecord }) {
  const children = useChildren(task.id, SHOWN);
  const { data } = children;
  const total = task.children ?? 0;
  return (
    <Card
      title={total === 1 ? '1 child' : counted(total, 'child', 'children')}
      actions={
        <>
          {data !== undefined && data.failed > 0 && (
            <PageLink to="tasks" query={`state=failed&parent_id=${task.id}`}>
              {data.failed} failed
            </PageLink>
          )}
          <PageLink to="tasks" query={`parent_id=${task.id}`}>
            All of them
          </PageLink>
        </>
      }
    >
      <TaskTable tasks={data?.tasks} asked={children} what="the children" />
    </Card>
  );
}
