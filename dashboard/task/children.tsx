import { useQuery } from '@tanstack/preact-query';
import type { TaskList, TaskRecord } from '../data/records.ts';
import { PageLink } from '../parts/link.tsx';
import { Standing } from '../parts/notice.tsx';
import { Card } from '../parts/page.tsx';
import { useClient } from '../session/session.tsx';
import { TaskTable } from '../tasks/task_table.tsx';
import { counted } from '../text/words.ts';

const SHOWN = 20;

/** The tasks that this task has created, the failed ones first. */
export function Children({ task }: { task: TaskRecord }) {
  const client = useClient();
  const children = useQuery({
    queryKey: ['children', task.id],
    queryFn: async ({ signal }) => {
      const read = (state: string[]) =>
        client.request<TaskList>('GET', '/v1/tasks', {
          signal,
          query: { parent_id: task.id, page_size: SHOWN, state },
        });
      const [failed, all] = await Promise.all([read(['failed']), read([])]);
      const unique = new Map([...failed.tasks, ...all.tasks].map((one) => [one.id, one]));
      return { tasks: [...unique.values()].slice(0, SHOWN), failed: failed.total };
    },
  });
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
      <Standing asked={children} what="the children" />
      {data !== undefined && <TaskTable tasks={data.tasks} />}
    </Card>
  );
}
