import { type DestinationStream, type LogFn, type Logger, pino } from 'pino';
import { z } from 'zod';
import { sanitizeText } from '../../core/json/json.ts';
import { parseJson } from '../../core/json/json_text.ts';
import { shownJson } from '../../core/json/lossless.ts';
import type { LogLine } from '../../store/attempts/running.ts';

/**
 * Stored lines of one attempt; a last line reports that lines were dropped. The log of the process
 * is not limited.
 */
const MAX_LINES = 10_000;
/** Lines of one attempt that wait to be written. */
const MAX_WAITING = 2_000;
const MAX_MESSAGE_LENGTH = 10_000;
const MAX_FIELDS_LENGTH = 50_000;

/** Collects the lines of one attempt. */
export type LineSink = { lines: LogLine[] };

/**
 * Opens the loggers of handlers. `sink` gives where the lines of an attempt go now, or null if the
 * attempt is over.
 */
export type TaskLog = { open(bindings: Record<string, unknown>, sink: () => LineSink | null): Logger };

/** Fields that we add to every line; the stored record has them already. */
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
  'trace_id',
]);

const INFO = pino.levels.values.info ?? 30;

/** Postgres may not read other years, and no real log line has them. */
const IS_DATE = /^[12]\d{3}-/;

/** A handler may log fields of the same names with any type: that must not make logging fail. */
const lineSchema = z.looseObject({
  level: z.number().catch(INFO),
  time: z
    .string()
    .refine((text) => IS_DATE.test(text) && !Number.isNaN(Date.parse(text)))
    .catch(() => new Date().toISOString()),
  msg: z.string().catch(''),
});

/**
 * Makes loggers whose lines go to the log of the process and to the sink of the attempt, to be
 * stored (specification T8). Lines of `info` and above are stored whatever LOG_LEVEL is. Lines
 * below LOG_LEVEL are not written to the log of the process.
 */
export function createTaskLog(processLog: Logger, destination: DestinationStream): TaskLog {
  const least = pino.levels.values[processLog.level] ?? Number.POSITIVE_INFINITY;
  const parent = neverFailing(processLog.child({}), least <= INFO ? processLog.level : 'info');
  return {
    open(bindings, sink) {
      const store = storing(sink);
      const stream: DestinationStream = {
        write(text) {
          const line = lineSchema.parse(parseJson(text));
          if (line.level >= least) destination.write(text);
          if (line.level >= INFO) store(line);
        },
      };
      const log = parent.child(bindings);
      // One stream per logger: lines of an abandoned attempt must not go to the next attempt.
      Object.defineProperty(log, pino.symbols.streamSym, { value: stream });
      return log;
    },
  };
}

/**
 * Makes a logger that never throws: getters and proxies in logged values may throw when they are
 * read.
 */
function neverFailing(log: Logger, level: string): Logger {
  function logMethod(this: Logger, given: Parameters<LogFn>, method: LogFn): void {
    try {
      method.apply(this, given);
    } catch {
      method.call(this, 'A logged value threw an error when it was read');
    }
  }
  Object.defineProperty(log, pino.symbols.hooksSym, { value: { logMethod } });
  // pino makes the methods when the level is set.
  log.level = level;
  return log;
}

/** Puts lines into a sink until there are too many. */
function storing(sink: () => LineSink | null): (line: z.output<typeof lineSchema>) => void {
  let stored = 0;
  return (line) => {
    const lines = sink()?.lines;
    if (lines === undefined || stored > MAX_LINES || lines.length > MAX_WAITING) return;
    stored++;
    const isLast = stored > MAX_LINES || lines.length === MAX_WAITING;
    const at = new Date(line.time).toISOString();
    if (isLast) {
      const message = `Too many log lines: the following ones are not stored (at most ${MAX_LINES} per attempt, ${MAX_WAITING} at a time)`;
      lines.push({ level: 'warn', message, fields: null, at });
    } else {
      const level = pino.levels.labels[line.level] ?? String(line.level);
      lines.push({ level, message: bounded(line.msg), fields: fieldsOf(line), at });
    }
  };
}

function bounded(text: string): string {
  return sanitizeText(text.length <= MAX_MESSAGE_LENGTH ? text : `${text.slice(0, MAX_MESSAGE_LENGTH)}…`);
}

/**
 * The fields as pino wrote them. Text that Postgres cannot hold is sanitized, and integers beyond a
 * double become texts.
 */
function fieldsOf(line: Record<string, unknown>): Record<string, unknown> | null {
  const own = Object.entries(line).filter(([name]) => !OWN_FIELDS.has(name));
  if (own.length === 0) return null;
  const fields = Object.fromEntries(own.map(([name, value]) => [sanitizeText(name), shownJson(value)]));
  const { length } = JSON.stringify(fields);
  return length > MAX_FIELDS_LENGTH ? { omitted: `fields of ${length} characters` } : fields;
}
