import { randomUUID } from 'node:crypto';
import { type ApiRequest, encode, type Located } from './requests.ts';

/** What stands in a path for each of its parameters: a value that there is, and one that there is not. */
export type InPath = Record<string, { known: string; unknown: string }>;

/** Of the shipped definitions; `id` is that of a task that exists. */
export function inPath(id: string): InPath {
  return {
    id: { known: id, unknown: randomUUID() },
    name: { known: 'echo', unknown: 'nothing' },
    namespace: { known: 'example', unknown: 'nothing' },
    queue: { known: 'example.fail', unknown: 'example.nothing' },
    error_group: { known: 'example.echo:none', unknown: 'example.nothing:none' },
  };
}

/**
 * A request for an operation with the example that the document has of its body. `things` is what its path names.
 * Throws when the path has a parameter that nothing is known for.
 */
export function requestFor(
  { path, method, operation }: Located,
  things: InPath,
  which: 'known' | 'unknown' = 'known',
): ApiRequest {
  const example = operation.requestBody?.content['application/json']?.example;
  return {
    method: method.toUpperCase(),
    path: path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
      const thing = things[name];
      if (thing === undefined) {
        throw new Error(
          `Nothing is known for {${name}} of ${path}: add it in test/contracts/statuses_requests.ts`,
        );
      }
      return encode(thing[which]);
    }),
    query: [],
    headers: example === undefined ? {} : { 'content-type': 'application/json' },
    ...(example === undefined ? {} : { json: example }),
  };
}
