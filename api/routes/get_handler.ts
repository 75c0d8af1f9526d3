import { ErrandError } from '../../core/errors.ts';
import { closest, isOwnNamespace } from '../../core/registry.ts';
import type { Waiting } from '../../process/waiting.ts';
import { type Handler, listHandlerNames, listHandlers } from '../../store/handlers.ts';
import type { Call, Operation } from '../call.ts';

/**
 * `GET /v1/handlers/{namespace}/{name}` (specification R7): one definition. The name is what follows the namespace, or
 * all of it. Steps of workflows are read by it, too, though no list has them.
 */
export const getHandler: Operation = async (call, request, response) => {
  const namespace = String(request.params.namespace);
  const name = String(request.params.name);
  const full = `${namespace}.${name}`;
  const found = await listHandlers(call.reads, {
    namespaces: seenBy(call),
    namespace,
    names: [full, name],
  });
  // `a.a.b` may be a name as well as `a.b`.
  const handler = found.find((one) => one.name === full) ?? found[0];
  if (handler === undefined) {
    const close = closest(full, await listHandlerNames(call.reads, seenBy(call)));
    throw notRegistered(`task ${JSON.stringify(full)}`, close);
  }
  response.json(described(call, handler));
};

/** The namespaces whose definitions a caller may see; Errand's own tasks are for those who may see everything. */
export function seenBy({ principal }: Call): readonly string[] | null {
  return principal.namespaces?.filter((namespace) => !isOwnNamespace(namespace)) ?? null;
}

/** A handler with what this process knows of it: what it does, in words, and how the tasks that wait fit it. */
type Described = Handler & { description: string | null; waiting: Waiting | null };

/** A handler as the wire has it. */
export function described({ registry, waiting }: Call, handler: Handler): Described {
  const { name, workflow } = handler;
  waiting.refresh();
  const whole = registry.get(workflow ?? name);
  const definition =
    workflow === null ? whole : whole?.graph?.steps.find((step) => step.definition.name === name)?.definition;
  return { ...handler, description: definition?.description ?? null, waiting: waiting.of(name) };
}

/** The error for what nobody has registered, or nothing that the caller may see. `close` looks like it. */
export function notRegistered(what: string, close: string[]): ErrandError {
  const hint = close.length > 0 ? `did you mean ${close.join(' or ')}?` : 'see GET /v1/handlers';
  const details = close.map((message) => ({ path: '/path', message }));
  return new ErrandError(
    'NOT_FOUND',
    `No ${what} is registered: ${hint}`,
    close.length > 0 ? { details } : {},
  );
}
