/** `error`: Errand does not work, or loses what it promises. `warning`: it will, or something is slow. */
export type Severity = 'ok' | 'warning' | 'error';

/** The areas that are examined, in this order. */
export const AREAS = ['configuration', 'server', 'schema', 'pool', 'queue'] as const;
export type Area = (typeof AREAS)[number];

/** All codes of findings, with their area. Programs rely on them: docs/guides/troubleshooting.md lists them. */
export const CODES = {
  configuration: 'configuration',
  configuration_unsafe: 'configuration',
  server_unreachable: 'server',
  address_unreachable: 'server',
  server_version: 'server',
  server_encoding: 'server',
  server_read_only: 'server',
  pooler: 'server',
  notifications: 'server',
  rights: 'server',
  trigrams: 'server',
  setting: 'server',
  connections: 'server',
  clock: 'server',
  vacuum_held: 'server',
  wraparound: 'server',
  collation: 'server',
  locked: 'server',
  notify_queue: 'server',
  write_failed: 'server',
  schema_refused: 'schema',
  schema_missing: 'schema',
  schema_old: 'schema',
  schema_new: 'schema',
  schema_current: 'schema',
  drift: 'schema',
  object_missing: 'schema',
  object_changed: 'schema',
  object_extra: 'schema',
  index_invalid: 'schema',
  row_missing: 'schema',
  owner: 'schema',
  runners: 'pool',
  no_live_runner: 'pool',
  runner_overdue: 'pool',
  runner_blocked: 'pool',
  runner_lost: 'pool',
  old_process: 'pool',
  definitions_differ: 'pool',
  name_without_runner: 'pool',
  version_without_runner: 'pool',
  api_processes: 'pool',
  tasks_wait: 'queue',
  dispatch_orphaned: 'queue',
  dispatch_lost: 'queue',
  paused: 'queue',
  quarantined: 'queue',
  retention_behind: 'queue',
  upkeep_behind: 'queue',
  callbacks_disabled: 'queue',
  schedules_overdue: 'queue',
  schedule_broken: 'queue',
  schedule_without_runner: 'queue',
  schedule_paused: 'queue',
  limit_paused: 'queue',
  limit_set: 'queue',
  limit_unused: 'queue',
  limit_waits: 'queue',
  queue: 'queue',
  not_examined: null,
} as const satisfies Record<string, Area | null>;
export type Code = keyof typeof CODES;

/** The result of one look, in the form of `errand doctor --json`. */
export type Finding = {
  area: Area;
  code: Code;
  severity: Severity;
  /** Its subject, such as the name of a variable, a table or a task; null if it is the area. */
  subject: string | null;
  /** The observation. */
  message: string;
  /** The advice; null if nothing is to be done. */
  remedy: string | null;
};

/** A code that belongs to one area. */
type CodeOfArea = { [C in Code]: (typeof CODES)[C] extends Area ? C : never }[Code];

/** The finding that all is as it should be. */
export function ok(code: CodeOfArea, message: string, subject: string | null = null): Finding {
  return { area: CODES[code], code, severity: 'ok', subject, message, remedy: null };
}

type Trouble = { message: string; remedy: string; subject?: string | null };

export function warning(code: CodeOfArea, { message, remedy, subject = null }: Trouble): Finding {
  return { area: CODES[code], code, severity: 'warning', subject, message, remedy };
}

export function error(code: CodeOfArea, { message, remedy, subject = null }: Trouble): Finding {
  return { area: CODES[code], code, severity: 'error', subject, message, remedy };
}

/** 1 if there is an error, or with `isStrict` a warning. */
export function exitCodeOf(findings: readonly Finding[], isStrict: boolean): 0 | 1 {
  return findings.some(({ severity }) => severity === 'error' || (isStrict && severity === 'warning'))
    ? 1
    : 0;
}

const UNITS = [
  [86_400, 'days'],
  [3_600, 'h'],
  [60, 'min'],
] as const;

/** A duration in words, in the largest unit of which there are at least two. */
export function duration(seconds: number): string {
  const [size, unit] = UNITS.find(([length]) => seconds >= 2 * length) ?? [1, 's'];
  return `${Math.round(seconds / size)} ${unit}`;
}

/** The first parts of a list, and how many more there are. */
export function some(parts: readonly string[], count = 5): string {
  const more = parts.length - count;
  return more > 0 ? `${parts.slice(0, count).join(', ')} and ${more} more` : parts.join(', ');
}
