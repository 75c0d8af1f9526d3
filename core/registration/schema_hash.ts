import { createHash } from 'node:crypto';
import type { TaskDefinition } from '../task.ts';

/** Runners need the hashes again and again. */
const hashes = new WeakMap<TaskDefinition, string>();

/** A text that changes if a schema of the definition changes. */
export function schemaHashOf(definition: TaskDefinition): string {
  const schemas = { payload: definition.payloadJsonSchema, result: definition.resultJsonSchema };
  const hash = hashes.get(definition) ?? createHash('sha256').update(JSON.stringify(schemas)).digest('hex');
  hashes.set(definition, hash);
  return hash;
}
