/** Makes a value when it is first asked for, and never again: most of what an attempt could need it never does. */
export function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
