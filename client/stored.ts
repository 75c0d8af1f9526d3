/**
 * What JSON makes of a value, as a type: a Date is a text, what has a `toJSON` is what that gives, and a property that may
 * be undefined may be missing. The server has the same (core/stored.ts): a client imports nothing from there.
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

/** What is stored of a result: null for none. */
export type StoredResult<T> = Stored<T> extends infer S ? (S extends undefined ? null : S) : never;
