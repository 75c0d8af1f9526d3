import type { Announcement } from '../embedded/announced.ts';
import { keepSpares } from './spares.ts';
import { ROLES, type Role, type Standby, StartFailed } from './standby.ts';

/** What came of a change: applied, the reasons why not, or undefined if a newer change came first. */
export type Applied = { readonly problems: readonly string[] } | undefined;

/** The API and the runner that work, and those that wait to replace them. */
export type Generations = {
  /**
   * Replaces the API, the runner or both by processes that load the project as it is now. All are replaced or
   * none: if one cannot load the project, those that work go on. Aborting `signal` before that is decided gives
   * the change up.
   */
  replace(roles: readonly Role[], signal: AbortSignal): Promise<Applied>;
  /** The processes that use a file of the project. */
  rolesUsing(file: string): Role[];
  /** What the process that works has announced; undefined if none works. */
  announced(role: Role): Announcement | undefined;
  stop(): Promise<void>;
  kill(): void;
};

export type GenerationOptions = {
  /** How long a process may take to end what it does. */
  graceMs: number;
  /** A process has ended unexpectedly. */
  onLost: (role: Role, how: string) => void;
  /** A process has replaced another, and uses these files. */
  onFiles: (files: ReadonlySet<string>) => void;
};

/** Starts the processes that wait, which load their code meanwhile. */
export function keepGenerations({ graceMs, onLost, onFiles }: GenerationOptions): Generations {
  const current = new Map<Role, Standby>();
  let starting: readonly Standby[] = [];
  const spares = keepSpares((standby, how) => {
    if (current.get(standby.role) !== standby) return;
    current.delete(standby.role);
    onLost(standby.role, how);
  });

  function install(next: Standby): void {
    const before = current.get(next.role);
    current.set(next.role, next);
    onFiles(next.files);
    void before?.stop(graceMs, next.role === 'api' ? 'retire' : 'signal');
  }

  async function replace(roles: readonly Role[], signal: AbortSignal): Promise<Applied> {
    const next = roles.map(spares.take);
    starting = next;
    const giveUp = (): void => {
      for (const one of next) one.kill();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    let problems = await failures(next.map(prepare));
    signal.removeEventListener('abort', giveUp);
    const isOutdated = signal.aborted;
    if (problems.length === 0 && !isOutdated) {
      for (const one of next) one.order('commit');
      problems = await failures(next.map((one) => one.reached('ready')));
    }
    if (problems.length > 0 || isOutdated) giveUp();
    else for (const one of next) install(one);
    starting = [];
    spares.refill();
    return isOutdated ? undefined : { problems };
  }

  return {
    replace,
    // A file may change again while the first processes that use it start.
    rolesUsing: (file) =>
      ROLES.filter((role) =>
        [current.get(role), ...starting].some((one) => one?.role === role && one.files.has(file)),
      ),
    announced: (role) => current.get(role)?.announced(),
    stop: () => spares.stopAll(graceMs),
    kill: spares.killAll,
  };
}

async function prepare(standby: Standby): Promise<void> {
  await standby.reached('preloaded');
  standby.order('load');
  await standby.reached('prepared');
}

/** The messages of those that failed, each once: API and runner find the same problem of a definition. */
async function failures(work: readonly Promise<void>[]): Promise<string[]> {
  const settled = await Promise.allSettled(work);
  const reasons = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  return [
    ...new Set(reasons.map((reason) => (reason instanceof StartFailed ? reason.message : String(reason)))),
  ];
}
