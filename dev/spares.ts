import { ROLES, type Role, type Standby, startStandby } from './standby.ts';

/** Processes that have loaded their code in advance, one for each role. */
export type Spares = {
  /** The waiting process of a role, or a new one. It belongs to the caller, who refills. */
  take(role: Role): Standby;
  refill(): void;
  /** Ends all processes that were ever started here, also those that were taken. */
  stopAll(graceMs: number): Promise<void>;
  killAll(): void;
};

/** Starts the first spares. `onEnd` is called when a process has ended before `stopAll`. */
export function keepSpares(onEnd: (standby: Standby, how: string) => void): Spares {
  const waiting = new Map<Role, Standby>();
  const all = new Set<Standby>();
  let isStopping = false;

  function start(role: Role): Standby {
    const standby = startStandby(role);
    all.add(standby);
    void standby.exited.then((how) => {
      all.delete(standby);
      if (waiting.get(role) === standby) waiting.delete(role);
      if (!isStopping) onEnd(standby, how);
    });
    return standby;
  }

  function refill(): void {
    if (isStopping) return;
    for (const role of ROLES) if (!waiting.has(role)) waiting.set(role, start(role));
  }

  refill();
  return {
    refill,
    take: (role) => {
      const standby = waiting.get(role) ?? start(role);
      waiting.delete(role);
      return standby;
    },
    stopAll: async (graceMs) => {
      isStopping = true;
      for (const standby of waiting.values()) standby.kill();
      await Promise.all(Array.from(all, (standby) => standby.stop(graceMs)));
    },
    killAll: () => {
      isStopping = true;
      for (const standby of all) standby.kill();
    },
  };
}
