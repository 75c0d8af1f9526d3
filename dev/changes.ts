import { relative } from 'node:path';
import type { Generations } from './generations.ts';
import { ROLES, type Role } from './standby.ts';
import { type Change, changesProject, mayMend } from './watch.ts';

/** How many changed files a message names. */
const NAMED = 3;

/** Applies changes of the project, one after the other. */
export type Changes = {
  /** Applies the changes that concern a process. A newer change replaces one that is under way. */
  apply(changes: readonly Change[]): void;
  /** Starts these again, whatever has changed. */
  restart(roles: readonly Role[]): void;
  /** Resolves when the first start has ended. */
  first(): Promise<void>;
};

/** Begins with a first start of everything. */
export function applyChanges(
  directory: string,
  generations: Generations,
  say: (line: string) => void,
): Changes {
  const wanted = new Set<Role>(ROLES);
  const broken = new Set<Role>();
  const files = new Set<string>();
  let since = 0;
  let isFirst = true;
  let attempt: AbortController | undefined;

  async function work(): Promise<void> {
    while (wanted.size > 0) {
      attempt = new AbortController();
      const roles = ROLES.filter((role) => wanted.has(role));
      wanted.clear();
      const applied = await generations.replace(roles, attempt.signal);
      if (applied === undefined) for (const role of roles) wanted.add(role);
      else report(roles, applied.problems);
    }
    attempt = undefined;
  }

  function report(roles: readonly Role[], problems: readonly string[]): void {
    const hadVersion = generations.announced('api') !== undefined;
    for (const role of roles)
      if (problems.length === 0) broken.delete(role);
      else broken.add(role);
    for (const problem of problems) say(`✗ ${withoutStep(problem)}`);
    if (problems.length > 0)
      say(
        `  ${hadVersion ? 'The version before keeps running.' : 'Nothing runs yet.'} Save a correction to go on.`,
      );
    else if (!isFirst)
      say(`✓ applied in ${Math.round(performance.now() - since)} ms: ${named(files, directory)}`);
    files.clear();
    isFirst = false;
  }

  function start(): Promise<void> {
    if (attempt === undefined) {
      since = performance.now();
      return work();
    }
    attempt.abort();
    return Promise.resolve();
  }

  const first = start();
  return {
    first: () => first,
    apply: (changes) => {
      const before = wanted.size;
      for (const change of changes) {
        const roles = rolesOf(change, generations, broken);
        for (const role of roles) wanted.add(role);
        if (roles.length > 0) files.add(change.file);
      }
      if (wanted.size > before) void start();
    },
    restart: (roles) => {
      for (const role of roles) wanted.add(role);
      void start();
    },
  };
}

function rolesOf(change: Change, generations: Generations, broken: ReadonlySet<Role>): readonly Role[] {
  if (changesProject(change)) return ROLES;
  const using = generations.rolesUsing(change.file);
  return mayMend(change) ? ROLES.filter((role) => broken.has(role) || using.includes(role)) : using;
}

/** The step of a start does not help: what comes after it names the file. */
function withoutStep(problem: string): string {
  return problem.replace(/^The start failed at the step [a-z]+: /, '');
}

function named(files: ReadonlySet<string>, directory: string): string {
  const shown = Array.from(files, (file) => relative(directory, file));
  const more = shown.length - NAMED;
  if (shown.length === 0) return 'started again';
  return `${shown.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
