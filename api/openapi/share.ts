import { type Components, type OpenApiDocument, operationsOf, type Reference, refTo } from './document.ts';
import type { Parameter } from './parameters.ts';

/**
 * Moves each parameter that several operations have to the components, under its name, such as `wait`; one of a path has
 * that before it, `path.name`. The same parameter is the same object. Throws when two of them have the same name.
 */
export function shareParameters(
  paths: OpenApiDocument['paths'],
): Pick<OpenApiDocument, 'paths'> & Pick<Components, 'parameters'> {
  const uses = new Map<Parameter | Reference, number>();
  for (const { parameters = [] } of operationsOf({ paths }))
    for (const one of parameters) uses.set(one, (uses.get(one) ?? 0) + 1);
  const shared: Components['parameters'] = {};
  for (const operation of operationsOf({ paths })) {
    const { parameters } = operation;
    if (parameters !== undefined)
      operation.parameters = parameters.map((one) =>
        '$ref' in one || uses.get(one) === 1 ? one : reference(shared, one),
      );
  }
  return { paths, parameters: shared };
}

function reference(shared: Components['parameters'], parameter: Parameter): Reference {
  const name = parameter.in === 'path' ? `path.${parameter.name}` : parameter.name;
  shared[name] ??= parameter;
  if (shared[name] !== parameter) throw new Error(`There are two parameters ${name} for several operations`);
  return refTo('parameters', name);
}
