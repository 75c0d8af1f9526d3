import { useQuery } from '@tanstack/preact-query';
import { linesWith, type TaskLines } from '../data/use_tasks.ts';
import { useClient } from '../session/context.ts';

/** The first `size` tasks that a task has created, the failed ones first, and how many of all have failed. */
export function useChildren(id: string, size: number, everyMs?: number) {
  const client = useClient();
  return useQuery({
    queryKey: ['children', id, size],
    queryFn: async ({ signal }) => {
      const read = (state: string[]) =>
        client.request<TaskLines>('GET', '/v1/tasks', {
          ...{ signal, query: { parent_id: id, page_size: size, state, ...linesWith() } },
        });
      const [failed, all] = await Promise.all([read(['failed']), read([])]);
      const unique = new Map([...failed.rows, ...all.rows].map((one) => [one.id, one]));
      return { tasks: [...unique.values()].slice(0, size), failed: failed.total };
    },
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  });
}
