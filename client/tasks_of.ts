/** The part of a definition that types are read from. */
type DefinitionLike = { readonly name: string; readonly payload: unknown; readonly result?: unknown };

/**
 * The input type of a schema of Zod 4 or `zod/v3`. It is found by structure, so the client does not need Zod.
 */
type InputOf<S> = S extends { _zod: { input: infer I } } ? I : S extends { _input: infer I } ? I : never;

/** The output type of a result schema. */
type OutputOf<S> = S extends { _zod: { output: infer O } } ? O : S extends { _output: infer O } ? O : never;

/** The tasks that a client knows: the types of payload and result by name. */
export type TaskTypes = { [name: string]: { payload: unknown; result: unknown } };

/** Any name and payload, and results of unknown type. */
export type AnyTasks = { [name: string]: { payload: object; result: unknown } };

/**
 * The tasks of a list of definitions. Only their types are used, so the client loads none of their code:
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

/**
 * The type of a value after JSON: a Date becomes text, a value with `toJSON` becomes its result, and a
 * property that may be undefined may be missing. The server has the same type (core/definitions/stored.ts);
 * the client imports nothing from there.
 */
export type Stored<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends { toJSON: (...given: never[]) => infer Json }
      ? Stored<Json>
      : T extends bigint | symbol | ((...given: never[]) => unknown)
        ? never
        : T extends readonly unknown[]
          ? { [K in keyof T]: Stored<T[K]> }
          : T extends object
            ? StoredObject<T>
            : T;

type StoredObject<T> = Flat<
  { [K in keyof T as MayBeMissing<T[K]> extends true ? never : K]: Stored<T[K]> } & {
    [K in keyof T as MayBeMissing<T[K]> extends true ? K : never]?: Stored<T[K]>;
  }
>;

type MayBeMissing<T> = unknown extends T ? false : undefined extends T ? true : false;

type Flat<T> = { [K in keyof T]: T[K] };

/** The stored type of a result: null if there is none. */
export type StoredResult<T> = Stored<T> extends infer S ? (S extends undefined ? null : S) : never;
