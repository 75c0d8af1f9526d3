/**
 * The type of a value after JSON: a Date becomes text, a value with `toJSON` becomes its result, and a
 * property that may be undefined may be missing. A client has the same type (client/tasks_of.ts), because it
 * imports nothing from here.
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
