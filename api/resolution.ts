import { type Checker, checker } from '../core/check.ts';
import type { Detail } from '../core/errors.ts';
import type { Registry } from '../core/registry.ts';
import type { JsonSchema } from '../core/schema.ts';
import { readStepResult, type StepResult } from '../store/handlers.ts';
import type { Task } from '../store/tasks.ts';
import type { Call } from './call.ts';

/** By the schema as JSON. There are as many as definitions have. */
const checkers = new Map<string, Checker>();

/**
 * What is wrong with data that is to be the result of a step, by the schema of that: it is held against what handlers make,
 * not against what they may return, because nothing transforms it. `path` is where the data is in the request.
 */
export async function resolutionProblems(
  call: Call,
  step: Pick<Task, 'name' | 'step'>,
  data: unknown,
  path: string,
): Promise<Detail[]> {
  // Definitions that only runners have are registered.
  const result = resultKnown(call.registry, step) ?? (await readStepResult(call.writes, step.name));
  if (!result?.schema) return [];
  const schema = result.kind === 'map' ? { type: 'array', items: result.schema } : result.schema;
  return checkerOf(schema)(data, path);
}

function resultKnown(registry: Registry, { name, step }: Pick<Task, 'name' | 'step'>): StepResult | null {
  const workflow = registry.get(name.slice(0, -`.${step}`.length));
  const found = workflow?.graph?.steps.find((one) => one.step === step);
  if (found === undefined) return null;
  const { resultJsonSchema } = found.child ?? found.definition;
  return { kind: found.kind, schema: resultJsonSchema ?? null };
}

function checkerOf(schema: JsonSchema): Checker {
  const key = JSON.stringify(schema);
  const check = checkers.get(key) ?? checker(schema);
  checkers.set(key, check);
  return check;
}
