import { z } from 'zod';
import type { PolicyInput } from '../../../core/definitions/policy.ts';
import { createRegistry, type Registry } from '../../../core/registry.ts';
import { defineTask, type TaskDefinition } from '../../../core/task.ts';
import { loadRegistry } from '../../../tasks/index.ts';

/** A definition for tests, with one text as its payload. */
export function textTask(name: string, policy: PolicyInput): TaskDefinition {
  return defineTask({
    name,
    version: '1',
    description: 'For this test',
    payload: z.strictObject({ text: z.string() }),
    example: { text: 'a' },
    policy,
  });
}

/** The shipped definitions and these. */
export function registryWith(...definitions: TaskDefinition[]): Registry {
  return createRegistry([...loadRegistry({ NODE_ENV: 'test' }).definitions, ...definitions]);
}
