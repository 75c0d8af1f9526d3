/** The exit codes of the command, by their meaning. `errand --help` and the guide list them. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  unavailable: 3,
  unauthorised: 4,
  unfinished: 5,
  interrupted: 130,
} as const;

/** The exit codes and their meaning, in order. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.done, 'done'],
  [EXIT.failed, 'refused or not found; or the task failed or was cancelled (--wait, --exit-code)'],
  [EXIT.usage, 'wrong usage: an unknown command or option, a value that is not accepted, invalid JSON'],
  [EXIT.unavailable, 'the API does not answer or is not available'],
  [EXIT.unauthorised, 'the credentials are missing, invalid or not sufficient'],
  [EXIT.unfinished, 'the task had not ended when the time of --wait was over'],
  [EXIT.interrupted, 'interrupted by Ctrl-C'],
];

/** A command that cannot be carried out as it was given. `message` names the value and what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A failure of a command, not of the API. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
