import { createRegistry, type Registry } from '../core/registry.ts';
import { ciBuild } from './ci.build.task.ts';
import { bulk } from './errand.bulk.task.ts';
import { crash } from './example.crash.task.ts';
import { diamond } from './example.diamond.workflow.ts';
import { echo } from './example.echo.task.ts';
import { fail } from './example.fail.task.ts';
import { linear } from './example.linear.workflow.ts';
import { mixed } from './example.mixed.workflow.ts';
import { now } from './example.now.task.ts';
import { sleep } from './example.sleep.task.ts';
import { tree } from './example.tree.workflow.ts';
import { httpRequest } from './http.request.task.ts';
import { buildReport } from './report.build.workflow.ts';
import { countWords } from './text.count_words.task.ts';
import { deliver } from './webhook.deliver.task.ts';

/** Every task definition, those of workflows too. A new one is a line here and a line in handlers.ts. */
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

/** What Errand does for itself. Every runner can; it is no operation of the API, and nobody else can submit it. */
export const ownDefinitions = [bulk, deliver] as const;

/** The definitions of a process: `example.*` tasks are for trying out, so production does not have them (L6). */
export function loadRegistry(environment: { NODE_ENV: string }): Registry {
  const inProduction = environment.NODE_ENV === 'production';
  return createRegistry(definitions.filter(({ namespace }) => !(inProduction && namespace === 'example')));
}
