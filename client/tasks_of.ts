import type { StoredResult } from './stored.ts';

/** As much of a definition as its types are read from. */
type DefinitionLike = { readonly name: string; readonly payload: unknown; readonly result?: unknown };

/** What a caller sends for a schema of Zod 4 or `zod/v3`, by its structure: Zod is not needed here. */
type InputOf<S> = S extends { _zod: { input: infer I } } ? I : S extends { _input: infer I } ? I : never;

/** What the schema makes of a result. */
type OutputOf<S> = S extends { _zod: { output: infer O } } ? O : S extends { _output: infer O } ? O : never;

/** The tasks that a client knows: by name, what goes in and what comes out. */
export type TaskTypes = { [name: string]: { payload: unknown; result: unknown } };

/** Any name, any payload, and results that nothing is known of. */
export type AnyTasks = { [name: string]: { payload: object; result: unknown } };

/**
 * The tasks of a list of definitions, read from their types alone, so that a caller brings none of their code:
 *
 *     import type { definitions } from '../tasks/index.ts';
 *     const client = createClient<TasksOf<typeof definitions>>({ baseUrl });
 */
export type TasksOf<Definitions extends readonly DefinitionLike[]> = {
  [D in Definitions[number] as D['name']]: {
    payload: InputOf<D['payload']>;
    result: D['result'] extends undefined ? unknown : StoredResult<OutputOf<D['result']>>;
  };
};

/** The names of these tasks. */
export type NameOf<Tasks extends TaskTypes> = keyof Tasks & string;
