/** What a part of a schema judges. */
export type Place<S> = {
  /** Came from outside, so listed objects are closed. What a transform has made is not: its code decides what is in it. */
  arrived: boolean;
  /** Came as JSON, which has text for dates. */
  isJson: boolean;
  /** The other sides of an intersection: schemas that judge the same value. */
  beside: readonly S[];
};

/** Gives what judges in the place of a part of a schema. */
export type Judging<S> = (part: S, place: Place<S>) => S;

/** The copies of the parts of a schema. What is made while somebody goes through them comes, too. */
export type Copies<S> = { judging: Judging<S>; all: () => Iterable<[part: S, copy: S]> };

/** Makes one copy of each part for each place that it is in, so that recursive schemas come to an end. */
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
