import type { Handler } from '../core/task.ts';
import type { WorkflowDefinition, WorkflowHandlers } from '../core/workflow.ts';
import type { definitions } from './index.ts';

type Definition = (typeof definitions)[number];

type HandlerOf<D extends Definition> = D extends WorkflowDefinition ? WorkflowHandlers<D> : Handler<D>;

/** A name in `definitions` that is missing here does not compile, nor does a handler of another task. */
type Handlers = { [D in Definition as D['name']]: () => Promise<{ default: HandlerOf<D> }> };

/** The handler of every definition, of a workflow the code of its steps, loaded when a runner first needs it and never by the API. */
export const handlers: Handlers = {
  'example.echo': () => import('./example.echo.handler.ts'),
  'example.now': () => import('./example.now.handler.ts'),
  'example.sleep': () => import('./example.sleep.handler.ts'),
  'example.fail': () => import('./example.fail.handler.ts'),
  'example.crash': () => import('./example.crash.handler.ts'),
  'example.linear': () => import('./example.linear.steps.ts'),
  'example.diamond': () => import('./example.diamond.steps.ts'),
  'example.tree': () => import('./example.tree.steps.ts'),
  'example.mixed': () => import('./example.mixed.steps.ts'),
  'http.request': () => import('./http.request.handler.ts'),
  'text.count_words': () => import('./text.count_words.handler.ts'),
  'report.build': () => import('./report.build.steps.ts'),
  'ci.build': () => import('./ci.build.handler.ts'),
};

/**
 * Loads the handler of a name, or the code of a workflow. Throws when the name has none, which the types rule out for
 * known names.
 */
export async function loadHandler(name: string): Promise<unknown> {
  if (!Object.hasOwn(handlers, name)) throw new Error(`No handler is registered for ${JSON.stringify(name)}`);
  const module = await handlers[name as keyof Handlers]();
  return module.default;
}
