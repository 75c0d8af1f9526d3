import { type Checker, checker } from '../../core/definitions/check.ts';
import type { Detail } from '../../core/errors.ts';
import { type Lossless, losslessJson } from '../../core/json/lossless.ts';
import { parseResultJson } from '../../core/payload.ts';
import type { Registry } from '../../core/registry.ts';
import type { JsonSchema } from '../../core/schema.ts';
import type { GraphStep, TaskDefinition } from '../../core/task.ts';
import { readStepResult, type StepResult } from '../../store/operators/registered.ts';
import type { Task } from '../../store/tasks/tasks.ts';
import type { RequestContext } from '../context.ts';

/** The maximum number of problems for all items of a list together. */
const MAX_DETAILS = 100;

/** Compiled validators by the JSON of their schema. There are only as many as definitions have. */
const checkers = new Map<string, Checker>();

/**
 * Validates data that replaces the result of a step. Gives the value to record, or the problems. The data is
 * checked against the result schema of the step's definition, with text for dates. If only runners have the
 * definition, the registered JSON Schema is used, which describes the recorded form. `path` is the place of
 * the data in the request.
 */
export async function resolvedResult(
  context: RequestContext,
  step: Pick<Task, 'name' | 'step' | 'children'>,
  data: unknown,
  path: string,
): Promise<Lossless> {
  // A task that a map or run step created has no step name: it is an ordinary task.
  const definition = step.step === null ? context.registry.get(step.name) : undefined;
  if (definition !== undefined) return judgeBy(definition, data, path);
  const known = stepKnown(context.registry, step);
  const registered = known === null ? await readStepResult(context.writes, step.name) : null;
  const isList = (known ?? registered)?.kind === 'map';
  const wrong = isList ? listProblem(data, step.children, path) : null;
  if (wrong !== null) return { ok: false, details: [wrong] };
  if (known !== null)
    return Array.isArray(data) && isList ? judgeList(known, data, path) : judgeOne(known, data, path);
  const details = problemsByRegistered(registered, data, path);
  return details.length === 0 ? { ok: true, value: data } : { ok: false, details };
}

/**
 * The result of a map step has one item per created task. Before it has created any, their number is unknown.
 */
function listProblem(data: unknown, children: number | null, path: string): Detail | null {
  if (!Array.isArray(data)) return { path, message: 'must be a list, because the step is a map' };
  if (children === null || data.length === children) return null;
  return {
    path,
    message: `must have ${children} items, one for each task that the step created, got ${data.length}`,
  };
}

function stepKnown(registry: Registry, { name, step }: Pick<Task, 'name' | 'step'>): GraphStep | null {
  if (step === null) return null;
  const workflow = registry.get(name.slice(0, -`.${step}`.length));
  return workflow?.graph?.steps.find((one) => one.step === step) ?? null;
}

async function judgeList(step: GraphStep, data: unknown[], path: string): Promise<Lossless> {
  const value: unknown[] = [];
  const details: Detail[] = [];
  for (const [index, item] of data.entries()) {
    const judged = await judgeOne(step, item, `${path}/${index}`);
    if (judged.ok) value.push(judged.value);
    else details.push(...judged.details);
    if (details.length >= MAX_DETAILS) break;
  }
  return details.length === 0 ? { ok: true, value } : { ok: false, details: details.slice(0, MAX_DETAILS) };
}

function judgeOne({ child, definition }: GraphStep, data: unknown, path: string): Promise<Lossless> {
  return judgeBy(child ?? definition, data, path);
}

async function judgeBy(definition: TaskDefinition, data: unknown, path: string): Promise<Lossless> {
  const parsed = await parseResultJson(definition, data, path);
  return parsed.ok ? losslessJson(parsed.value, path) : parsed;
}

function problemsByRegistered(result: StepResult | null, data: unknown, path: string): Detail[] {
  if (!result?.schema) return [];
  const schema = result.kind === 'map' ? { type: 'array', items: result.schema } : result.schema;
  return checkerOf(schema)(data, path);
}

function checkerOf(schema: JsonSchema): Checker {
  const key = JSON.stringify(schema);
  const check = checkers.get(key) ?? checker(schema);
  checkers.set(key, check);
  return check;
}
