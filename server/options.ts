import type { TaskList } from '../core/task_list.ts';
import type { Shipped } from '../project/config.ts';

type Write = (fields: object, message?: string) => void;

/** A logger of pino. The type also takes that of Fastify, which is one. */
export type HostLogger = {
  level: string;
  info: Write;
  warn: Write;
  error: Write;
  child: (bindings: Record<string, never>) => unknown;
};

/** Where Postgres is, in parts. A connection string can say more, for example about TLS. */
export type DatabaseOptions = {
  /** Instead of `host`, `port`, `user`, `password` and `database`. */
  readonly connectionString?: string;
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  /** Errand's schema; `errand` by default. Several Errands in a database need one each. */
  readonly schema?: string;
  /** Connections of the runner, and of the API for writes; 10 each by default. */
  readonly poolSize?: number;
  /** Connections of the API for reads; 5 by default. */
  readonly readPoolSize?: number;
};

export type ErrandOptions = {
  /** Postgres 14 or newer, as a connection string or in parts. */
  readonly database: string | DatabaseOptions;
  /**
   * Folders that are searched for `*.task.ts`, `*.workflow.ts`, their code and `*.schedule.ts`, relative to `directory`; or the
   * result of `listTasks`. If it is missing, `errand.config.ts` of `directory` says which.
   */
  readonly tasks?: readonly string[] | TaskList;
  /** The tasks that Errand ships and this one has; none by default. */
  readonly shipped?: readonly Shipped[];
  /** The working directory of the process by default. `import.meta.dirname` is the folder of the caller. */
  readonly directory?: string;
  /**
   * Values of Errand's variables (docs/guides/configuration.md) by their names. NODE_ENV is `production` unless
   * this or `env` says otherwise, so authentication is on then.
   */
  readonly config?: Readonly<Record<string, string | number | boolean | undefined>>;
  /**
   * An environment, usually `process.env`, for the variables that `config` does not name. Without it, no
   * variable of the process counts.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A pino logger, also that of Fastify. JSON lines on the standard output by default. */
  readonly log?: HostLogger;
  /** False: no API; the router answers 404. */
  readonly api?: boolean;
  /** False: this process executes no tasks. */
  readonly runner?: boolean;
};
