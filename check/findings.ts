/** What a check has found. */
export type Finding = {
  readonly kind: 'project' | 'types' | 'waiting' | 'registered' | 'schedule';
  readonly message: string;
  /** The task or the schedule it is about. */
  readonly name?: string;
  /** A waiting task that shows the problem. */
  readonly exampleId?: string;
  readonly count?: number;
};

/** What one part of a check came to. Problems fail it, warnings do not. */
export type Part = {
  /** What was checked, or why it was not. */
  readonly summary: string;
  readonly isChecked: boolean;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
};

/** A part that could not be checked. */
export function unchecked(summary: string): Part {
  return { summary, isChecked: false, problems: [], warnings: [] };
}
