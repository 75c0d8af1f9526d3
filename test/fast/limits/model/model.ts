// A pure model of the slots of limits. It says which slots are taken, who waits, and what must hold after
// each statement. It does not say which of several tasks is next: the ledger shows that, and the model judges
// whether it was allowed.

/** A key of a limit, as text. */
export type Key = `${string}/${string}`;

export type ModelTask = {
  id: string;
  name: string;
  /** The keys that its attempt needs. */
  keys: readonly Key[];
  /**
   * `announced`: it has a dispatch that no runner works on. `waiting`: it waits for one of its keys, without a
   * dispatch. `running`: in this runner, with these slots. A limit that was removed has none.
   */
  state:
    | { is: 'announced' }
    | { is: 'waiting'; for: Key }
    | { is: 'running'; runner: number; slots: readonly Key[] }
    | { is: 'ended' };
  /** It was called for this key, and a slot is kept for it. */
  called: Key | null;
};

export type Model = {
  limits: Map<string, number>;
  paused: Set<string>;
  tasks: ModelTask[];
};

export const limitOf = (key: Key): string => key.slice(0, key.indexOf('/'));

/** How many slots of a key are taken. */
function taken(model: Model, key: Key): number {
  return model.tasks.filter(({ state }) => state.is === 'running' && state.slots.includes(key)).length;
}

/** How many of a key were called and have not started. */
export function called(model: Model, key: Key): number {
  return model.tasks.filter((task) => task.called === key).length;
}

/** Infinite for a limit that was removed. */
export function room(model: Model, key: Key): number {
  return (model.limits.get(limitOf(key)) ?? Number.POSITIVE_INFINITY) - taken(model, key);
}

/** Whether an attempt may start: there is a slot in each of its keys. */
export function mayStart(model: Model, task: ModelTask): boolean {
  return task.keys.every((key) => room(model, key) > 0);
}

/**
 * Whether an attempt must start: each of its keys has a slot that is kept for nobody else, and nobody waits
 * for it who could be called.
 */
export function mustStart(model: Model, task: ModelTask): boolean {
  return task.keys.every((key) => {
    const others = model.tasks.filter((other) => other !== task && other.called === key).length;
    return room(model, key) > others && waiting(model, key).length === 0;
  });
}

/** The tasks that wait for a key and could be called. */
function waiting(model: Model, key: Key): ModelTask[] {
  return model.tasks.filter(
    ({ state, name }) => state.is === 'waiting' && state.for === key && !model.paused.has(name),
  );
}

/** All keys of all tasks. */
export function keysOf(model: Model): Key[] {
  return [...new Set(model.tasks.flatMap(({ keys }) => keys))];
}

/** Keys with room for a task that waits for them: a wake-up was lost. */
export function lostWakeUps(model: Model): Key[] {
  return keysOf(model).filter(
    (key) => waiting(model, key).length > 0 && room(model, key) > called(model, key),
  );
}
