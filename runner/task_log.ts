import { type DestinationStream, type Logger, pino } from 'pino';
import { z } from 'zod';
import { sanitizeText, storageProblems } from '../core/json.ts';
import type { LogLine } from '../store/running.ts';

/** Lines of one attempt that are stored; a last one says how it was. What the process logs is not limited. */
const MAX_LINES = 10_000;
/** Lines of one attempt that wait to be written at a time. */
const MAX_WAITING = 2_000;
const MAX_MESSAGE_LENGTH = 10_000;
const MAX_FIELDS_LENGTH = 50_000;

/** Where the lines of one attempt are collected. */
export type LineSink = { lines: LogLine[] };

/** Gives handlers their loggers. */
export type TaskLog = {
  /** The logger of an attempt; `sink` gives where its lines are to go now. */
  open(bindings: { task_id: string; attempt: number; [key: string]: unknown }, sink: () => LineSink): Logger;
  /** Stops storing the lines of an attempt. */
  close(bindings: { task_id: string; attempt: number }): void;
};

type Open = { sink: () => LineSink; stored: number };

/** Carried by every line for us, and already known from the record. */
const OWN_FIELDS = new Set([
  'level',
  'time',
  'msg',
  'process',
  'pid',
  'task_id',
  'task_name',
  'attempt',
  'runner_id',
  'request_id',
]);

const lineSchema = z.looseObject({
  level: z.number(),
  time: z.union([z.string(), z.number()]),
  msg: z.string().default(''),
  task_id: z.string(),
  attempt: z.number(),
});

/**
 * A pino whose lines go on to the log of the process and, per attempt, into its sink to be stored (specification
 * T8). Lines of `info` and above are stored whatever LOG_LEVEL is; those below LOG_LEVEL go no further.
 */
export function createTaskLog(processLog: Logger, destination: DestinationStream): TaskLog {
  const open = new Map<string, Open>();
  const least = pino.levels.values[processLog.level] ?? Number.POSITIVE_INFINITY;

  const stream: DestinationStream = {
    write(text) {
      const parsed = lineSchema.safeParse(JSON.parse(text));
      if (!parsed.success) return;
      if (parsed.data.level >= least) destination.write(text);
      const attempt = open.get(keyOf(parsed.data));
      if (attempt !== undefined && parsed.data.level >= INFO) store(attempt, parsed.data);
    },
  };
  const logger = pino(
    {
      level: least <= INFO ? processLog.level : 'info',
      base: processLog.bindings(),
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    stream,
  );
  return {
    open(bindings, sink) {
      open.set(keyOf(bindings), { sink, stored: 0 });
      return logger.child(bindings);
    },
    close: (bindings) => open.delete(keyOf(bindings)),
  };
}

/** An attempt that was abandoned may still log while the next one runs here. */
function keyOf({ task_id, attempt }: { task_id: string; attempt: number }): string {
  return `${task_id} ${attempt}`;
}

const INFO = pino.levels.values.info ?? 30;

function store(attempt: Open, line: z.output<typeof lineSchema>): void {
  const { lines } = attempt.sink();
  if (attempt.stored > MAX_LINES || lines.length > MAX_WAITING) return;
  attempt.stored++;
  const isLast = attempt.stored > MAX_LINES || lines.length === MAX_WAITING;
  const at = new Date(line.time).toISOString();
  if (isLast) {
    const message = `Too many lines: those that follow are not stored (at most ${MAX_LINES} of an attempt, ${MAX_WAITING} at a time)`;
    lines.push({ level: 'warn', message, fields: null, at });
  } else {
    const level = pino.levels.labels[line.level] ?? String(line.level);
    lines.push({ level, message: bounded(line.msg), fields: fieldsOf(line), at });
  }
}

function bounded(text: string): string {
  return sanitizeText(text.length <= MAX_MESSAGE_LENGTH ? text : `${text.slice(0, MAX_MESSAGE_LENGTH)}…`);
}

function fieldsOf(line: Record<string, unknown>): Record<string, unknown> | null {
  const fields = Object.fromEntries(Object.entries(line).filter(([name]) => !OWN_FIELDS.has(name)));
  if (Object.keys(fields).length === 0) return null;
  const { length } = JSON.stringify(fields);
  if (length > MAX_FIELDS_LENGTH) return { omitted: `fields of ${length} characters` };
  return storageProblems(fields, '').length === 0 ? fields : { omitted: 'fields that Postgres can not hold' };
}
