import type { Scope } from '../../../../api/auth/principal.ts';
import type { buildOpenApi } from '../../../../api/openapi/build.ts';
import { parametersOf } from '../../../../api/openapi/schemas/document.ts';
import { ROUTES, type Route } from '../../../../api/operations.ts';
import { withExamples } from '../../contracts/requests.ts';

/** What a request of a caller of the namespace `text` is about: it may see and do nothing with it. */
export type Foreign = {
  id: string;
  stepId: string;
  deliveryId: string;
  limitName: string;
  scheduleId: string;
  /** A bulk operation that changes its tasks. */
  bulkId: string;
  name: string;
  namespace: string;
  errorGroup: string;
  /** A callback of that namespace that is disabled. */
  callbackUrl: string;
};

/** A request for one operation of the document, all of it about what is foreign. */
export type Request = {
  operation: string;
  /** What its policy asks for; null is nothing, or a signature. */
  scope: Scope | null;
  /** Whether it asks for the signature of a webhook's sender. */
  isSigned: boolean;
  method: string;
  path: string;
  body: unknown;
  /** Whether it is for one thing, which it names, or for all that a filter or the kind of an error picks. */
  isSingle: boolean;
  /** The same, narrowed by each of the query's parameters that can name what is foreign. */
  narrowed: string[];
};

/**
 * A request for every operation of the document. Throws for a parameter that it knows no foreign value for: a new
 * kind of thing needs its line here.
 */
export function requestsFor(document: ReturnType<typeof buildOpenApi>, foreign: Foreign): Request[] {
  const inPath: Record<string, string> = {
    id: foreign.id,
    step_id: foreign.stepId,
    delivery_id: foreign.deliveryId,
    limit_name: foreign.limitName,
    schedule_id: foreign.scheduleId,
    name: foreign.name,
    namespace: foreign.namespace,
    queue: foreign.name,
    source: 'shop',
    error_group: foreign.errorGroup,
    bulk_id: foreign.bulkId,
  };
  const inQuery: Record<string, string> = {
    task_id: foreign.id,
    parent_id: foreign.id,
    name: foreign.name,
    namespace: foreign.namespace,
    queue: foreign.name,
    error_group: foreign.errorGroup,
    schedule_id: foreign.scheduleId,
    task: foreign.name,
  };
  return Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => {
      const { operationId } = operation;
      // It is about its caller alone (operators/principal.test.ts).
      if (routeOf(method, template)?.policy === 'known') return [];
      const requestBody = operation.requestBody && withExamples(document, operation.requestBody);
      const path = template.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
        const value = inPath[name];
        if (value === undefined) throw new Error(`What is foreign as {${name}} of ${operationId}?`);
        return value;
      });
      const example = Object.values(requestBody?.content ?? {})[0]?.example;
      const picks = template.includes('{error_group}/retry') || hasFilter(example);
      const narrowing = parametersOf(document, operation).filter(
        (one) => one.in === 'query' && one.name in inQuery,
      );
      return {
        operation: operationId,
        scope: scopeOf(method, path),
        isSigned: routeOf(method, path)?.policy === 'signed',
        method: method.toUpperCase(),
        path,
        body: hasFilter(example)
          ? { filter: { name: foreign.name } }
          : picks
            ? {}
            : (bodyOf(operationId, foreign) ?? example),
        isSingle: method === 'get' ? template.includes('{') : !picks,
        narrowed: narrowing.map(({ name }) => `${path}?${name}=${inQuery[name]}`),
      };
    }),
  );
}

/** What an operation is about that says so in its body alone. */
function bodyOf(operation: string, { id, namespace, callbackUrl: url }: Foreign): unknown {
  if (operation === 'issueStreamTicket') return { path: `/v1/tasks/${id}/events` };
  return operation === 'enableCallback' ? { namespace, url } : undefined;
}

function hasFilter(example: unknown): boolean {
  return typeof example === 'object' && example !== null && 'filter' in example;
}

function scopeOf(method: string, path: string): Scope | null {
  const policy = routeOf(method, path)?.policy;
  return policy === undefined || policy === 'open' || policy === 'known' || policy === 'signed'
    ? null
    : policy;
}

/** The first route that Express would take. */
function routeOf(method: string, path: string): Route | undefined {
  return ROUTES.find(
    (one) => one.method === method && new RegExp(`^${one.path.replaceAll(/:\w+/g, '[^/]+')}$`).test(path),
  );
}
