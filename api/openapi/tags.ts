import type { TaskDefinition } from '../../core/task.ts';

const DESCRIPTIONS: Record<string, string> = {
  tasks: 'Tasks of any kind: submitting, reading, retrying, cancelling',
  workflows: 'The steps of workflows',
  errors: 'What tasks are failed with, in groups',
  queues: 'Pausing and resuming',
  webhooks: 'Events of other systems that become tasks',
  callbacks: 'What is told to other systems',
  audit: 'What operators did',
  runners: 'The pool of runners',
  handlers: 'What the pool can execute',
  analytics: 'Figures over a window of time',
  process: 'The API process itself: probes, metrics, docs',
};

/** A group of operations. */
export type Tag = { name: string; description: string };

/** The groups of operations: those that there always are, and one of each namespace of these definitions. */
export function tagsOf(definitions: readonly TaskDefinition[]): Tag[] {
  const ofNamespaces = definitions.map(({ namespace }) => [
    namespace,
    DESCRIPTIONS[namespace] ?? `Submitting tasks of the namespace ${namespace}`,
  ]);
  const descriptions = { ...DESCRIPTIONS, ...(Object.fromEntries(ofNamespaces) as Record<string, string>) };
  return Object.entries(descriptions).map(([name, description]) => ({ name, description }));
}
