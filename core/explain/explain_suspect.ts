import type { Facts, Finding } from './explain_facts.ts';

/** A task whose runner died while it had or may have run it: how it starts now. */
export function suspect({ task }: Facts): Finding {
  const alone = 'so it is executed alone, in a separate process';
  const announced = 'so its start is recorded before it runs';
  const message =
    task.crashes > 1
      ? `Its runner died ${task.crashes} times while it ran, ${alone}`
      : task.crashes === 1
        ? `Its runner died once while it ran, ${announced}`
        : `Its runner died after it had fetched the task, which may have run, ${announced}`;
  return { code: 'suspect', message };
}
