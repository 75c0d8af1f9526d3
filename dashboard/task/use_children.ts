import { useQuery } from '@tanstack/preact-query';
import type { TaskList } from '../data/records.ts';
import { useClient } from '../session/context.ts';

/** The first `size` tasks that a task has created, the failed ones first, and how many of all have failed. */
export function useChildren(id: string, size: number, everyMs?: number) {
  const client = useClient();
  return useQuery({
    queryKey: ['children', id, size],
    queryFn: async ({ signal }) => {
      const read = (state: string[]) =>
        client.request<TaskList>('GET', '/v1/tasks', {
          ...{ signal, query: { parent_id: id, page_size: size, state } },
        });
      const [failed, all] = await Promise.all([read(['failed']), read([])]);
      const unique = new Map([...failed.tasks, ...all.tasks].map((one) => [one.id, one]));
      return { tasks: [...unique.values()].slice(0, size), failed: failed.total };
    },
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  });
}
