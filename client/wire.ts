import type { Opaque } from './camel_case.ts';

/** `createdAt` as `created_at`. */
type Snake<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? First extends Lowercase<First>
    ? `${First}${Snake<Rest>}`
    : `_${Lowercase<First>}${Snake<Rest>}`
  : Name;

/**
 * A record of the client as the JSON of the API has it: `createdAt` is `created_at`. Names that the author of
 * a task chose stay as they are.
 */
export type Wire<Value> = Value extends readonly (infer Item)[]
  ? Wire<Item>[]
  : Value extends object
    ? string extends keyof Value
      ? Value
      : {
          [Name in keyof Value as Name extends string ? Snake<Name> : never]: Name extends Opaque
            ? Value[Name]
            : Wire<Value[Name]>;
        }
    : Value;
