import type { TaskDefinition } from '../../../core/task.ts';

const DESCRIPTIONS: Record<string, string> = {
  tasks: 'Tasks of any kind: submitting, reading, retrying, cancelling',
  workflows: 'The steps of workflows',
  errors: 'The errors that tasks failed with, in groups',
  queues: 'Pausing and resuming',
  limits: 'How much starts or runs at a time: values, pauses, and the tasks that wait',
  schedules: 'When which task is submitted, and the outcome of each time',
  webhooks: 'Events of other systems that become tasks',
  callbacks: 'Notifications to other systems about finished tasks',
  audit: 'The actions of operators',
  runners: 'The pool of runners',
  handlers: 'The definitions that the pool can execute',
  analytics: 'Statistics for a window of time',
  process: 'The API process itself: probes, metrics, docs',
};

/** A group of operations. */
export type Tag = { name: string; description: string };

/** The groups of operations: the fixed ones, and one for each namespace of these definitions. */
export function tagsOf(definitions: readonly TaskDefinition[]): Tag[] {
  const ofNamespaces = definitions.map(({ namespace }) => [
    namespace,
    DESCRIPTIONS[namespace] ?? `Submitting tasks of the namespace ${namespace}`,
  ]);
  const descriptions = { ...DESCRIPTIONS, ...(Object.fromEntries(ofNamespaces) as Record<string, string>) };
  return Object.entries(descriptions).map(([name, description]) => ({ name, description }));
}
