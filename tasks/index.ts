import { createRegistry, type Registry } from '../core/registry.ts';
import { ciBuild } from './ci.build.task.ts';
import { bulk } from './errand.bulk.task.ts';
import { crash } from './example/example.crash.task.ts';
import { diamond } from './example/example.diamond.workflow.ts';
import { echo } from './example/example.echo.task.ts';
import { fail } from './example/example.fail.task.ts';
import { linear } from './example/example.linear.workflow.ts';
import { mixed } from './example/example.mixed.workflow.ts';
import { now } from './example/example.now.task.ts';
import { sleep } from './example/example.sleep.task.ts';
import { tree } from './example/example.tree.workflow.ts';
import { httpRequest } from './http.request.task.ts';
import { buildReport } from './report.build.workflow.ts';
import { countWords } from './text.count_words.task.ts';
import { deliver } from './webhook.deliver.task.ts';

/**
 * Every task definition, including workflows. To add one, add a line here and a line in
 * handlers.ts.
 */
export const definitions = [
  echo,
  now,
  sleep,
  fail,
  crash,
  linear,
  diamond,
  tree,
  mixed,
  countWords,
  httpRequest,
  buildReport,
  ciBuild,
] as const;

/**
 * The built-in tasks. Every runner can execute them. No operation of the API submits them for a
 * client.
 */
export const ownDefinitions = [bulk, deliver] as const;

/**
 * The definitions of a process. `example.*` tasks are for trying Errand out, so production does not
 * have them (L6).
 */
export function loadRegistry(environment: { NODE_ENV: string }): Registry {
  const inProduction = environment.NODE_ENV === 'production';
  return createRegistry(definitions.filter(({ namespace }) => !(inProduction && namespace === 'example')));
}
