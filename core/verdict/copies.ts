/** The circumstances in which a part of a schema validates values. */
export type Place<S> = {
  /**
   * The value came from outside, so objects that list their properties are closed. The result of a transform
   * may contain anything.
   */
  arrived: boolean;
  /** The value came as JSON, with text for dates. */
  isJson: boolean;
  /** The other sides of an intersection: schemas that validate the same value. */
  beside: readonly S[];
};

/** Gives the schema that validates in place of a part. */
export type Judging<S> = (part: S, place: Place<S>) => S;

/** The copies of the parts of a schema. Copies that are made during an iteration appear in it. */
export type Copies<S> = { judging: Judging<S>; all: () => Iterable<[part: S, copy: S]> };

/** Makes one copy of each part per place, so that recursive schemas terminate. */
export function copiesBy<S extends object>(
  rebuilt: (part: S, place: Place<S>, judging: Judging<S>) => S,
): Copies<S> {
  const made = new Map<string, Map<S, S>>();
  const numbers = new Map<S, number>();
  const numberOf = (part: S): number => {
    const number = numbers.get(part) ?? numbers.size;
    numbers.set(part, number);
    return number;
  };
  function judging(part: S, place: Place<S>): S {
    const beside = [...new Set(place.beside.map(numberOf))].sort((a, b) => a - b);
    const key = `${place.arrived} ${place.isJson} ${beside}`;
    const known = made.get(key) ?? new Map<S, S>();
    made.set(key, known);
    const copy = known.get(part) ?? rebuilt(part, place, judging);
    known.set(part, copy);
    return copy;
  }
  function* all(): Iterable<[S, S]> {
    for (const known of made.values()) yield* known;
  }
  return { judging, all };
}
