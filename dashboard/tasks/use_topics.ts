import { MAX_TOPICS, type Topic } from '../data/live.ts';
import type { Queue } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import type { TaskFilter } from '../url/task_filter.ts';

/** The names that have tasks or handlers, with their pauses. */
export function useQueues() {
  return useRead<{ queues: Queue[] }>(['queues'], '/v1/queues', { staleTime: 10_000 });
}

/** What a list with this filter follows: the narrowest topics that cover it. */
export function useTopics({ name, namespace, parent_id }: TaskFilter): Topic[] {
  const { data } = useQueues();
  if (parent_id !== undefined) return [{ task: parent_id }];
  if (name !== undefined) return [{ name }];
  if (namespace !== undefined) return [{ namespace }];
  const all = new Set(data?.queues.map((queue) => queue.namespace));
  return [...all].slice(0, MAX_TOPICS - 10).map((one) => ({ namespace: one }));
}
