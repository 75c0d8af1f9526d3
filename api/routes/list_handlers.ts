import { closest } from '../../core/registry.ts';
import { namespaceOf } from '../../core/task.ts';
import { listHandlerNames, listHandlers as readHandlers } from '../../store/handlers.ts';
import type { Operation } from '../call.ts';
import { described, notRegistered, seenBy } from './get_handler.ts';

/** `GET /v1/handlers` (specification R7): what the pool can execute, as far as the caller may see it. */
export const listHandlers: Operation = async (call, _request, response) => {
  const handlers = await readHandlers(call.reads, { namespaces: seenBy(call) });
  response.json({ handlers: handlers.map((handler) => described(call, handler)) });
};

/** `GET /v1/handlers/{namespace}`: the same of one namespace. */
export const listNamespaceHandlers: Operation = async (call, request, response) => {
  const namespace = String(request.params.namespace);
  const handlers = await readHandlers(call.reads, { namespaces: seenBy(call), namespace });
  if (handlers.length === 0) {
    const names = await listHandlerNames(call.reads, seenBy(call));
    const namespaces = [...new Set(names.map(namespaceOf))];
    throw notRegistered(`task of the namespace ${JSON.stringify(namespace)}`, closest(namespace, namespaces));
  }
  response.json({ handlers: handlers.map((handler) => described(call, handler)) });
};
