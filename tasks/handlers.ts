import type { CodeModules } from '../core/task_list.ts';
import type { definitions } from './index.ts';

/**
 * The handler of every definition, or the code of the steps for a workflow. It is loaded when a
 * runner first needs it, and never by the API. It does not compile if a name of `definitions` is
 * missing, or if a handler belongs to another task.
 */
export const handlers: CodeModules<typeof definitions> = {
  'example.echo': () => import('./example/example.echo.handler.ts'),
  'example.now': () => import('./example/example.now.handler.ts'),
  'example.sleep': () => import('./example/example.sleep.handler.ts'),
  'example.fail': () => import('./example/example.fail.handler.ts'),
  'example.crash': () => import('./example/example.crash.handler.ts'),
  'example.linear': () => import('./example/example.linear.steps.ts'),
  'example.diamond': () => import('./example/example.diamond.steps.ts'),
  'example.tree': () => import('./example/example.tree.steps.ts'),
  'example.mixed': () => import('./example/example.mixed.steps.ts'),
  'http.request': () => import('./http.request.handler.ts'),
  'text.count_words': () => import('./text.count_words.handler.ts'),
  'report.build': () => import('./report.build.steps.ts'),
  'ci.build': () => import('./ci.build.handler.ts'),
};

/**
 * Loads the handler of a task name, or the code of a workflow. Throws if the name has none; for
 * known names the types rule that out.
 */
export async function loadHandler(name: string): Promise<unknown> {
  if (!Object.hasOwn(handlers, name)) throw new Error(`No handler is registered for ${JSON.stringify(name)}`);
  const module = await handlers[name as keyof typeof handlers]();
  return module.default;
}
