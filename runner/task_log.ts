import { type DestinationStream, type Logger, pino } from 'pino';
import { z } from 'zod';
import { sanitizeText } from '../core/json.ts';
import { parseJson } from '../core/json_text.ts';
import { shownJson } from '../core/lossless.ts';
import type { LogLine } from '../store/running.ts';

/** Lines of one attempt that are stored; a last one says how it was. What the process logs is not limited. */
const MAX_LINES = 10_000;
/** Lines of one attempt that wait to be written at a time. */
const MAX_WAITING = 2_000;
const MAX_MESSAGE_LENGTH = 10_000;
const MAX_FIELDS_LENGTH = 50_000;

/** Where the lines of one attempt are collected. */
export type LineSink = { lines: LogLine[] };

/** Gives handlers their loggers; `sink` gives where the lines of an attempt are to go now, or null when it is over. */
export type TaskLog = { open(bindings: Record<string, unknown>, sink: () => LineSink | null): Logger };

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
  'trace_id',
]);

const INFO = pino.levels.values.info ?? 30;

/** A handler may have fields of the same names, of any kind: nothing that it logs may make logging fail. */
const lineSchema = z.looseObject({
  level: z.number().catch(INFO),
  time: z
    .string()
    .refine((text) => !Number.isNaN(Date.parse(text)))
    .catch(() => new Date().toISOString()),
  msg: z.string().catch(''),
});

/**
 * Loggers whose lines go on to the log of the process and, per attempt, into its sink to be stored (specification
 * T8). Lines of `info` and above are stored whatever LOG_LEVEL is; those below LOG_LEVEL go no further.
 */
export function createTaskLog(processLog: Logger, destination: DestinationStream): TaskLog {
  const least = pino.levels.values[processLog.level] ?? Number.POSITIVE_INFINITY;
  const parent = processLog.child({}, { level: least <= INFO ? processLog.level : 'info' });
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
      // A stream for each: that of an attempt which was left behind must not be taken for that of the next one.
      Object.defineProperty(log, pino.symbols.streamSym, { value: stream });
      return log;
    },
  };
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
      const message = `Too many lines: those that follow are not stored (at most ${MAX_LINES} of an attempt, ${MAX_WAITING} at a time)`;
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

/** As pino has written them; what Postgres could not hold is changed to what it can, and integers beyond a double to texts. */
function fieldsOf(line: Record<string, unknown>): Record<string, unknown> | null {
  const own = Object.entries(line).filter(([name]) => !OWN_FIELDS.has(name));
  if (own.length === 0) return null;
  const fields = Object.fromEntries(own.map(([name, value]) => [sanitizeText(name), shownJson(value)]));
  const { length } = JSON.stringify(fields);
  return length > MAX_FIELDS_LENGTH ? { omitted: `fields of ${length} characters` } : fields;
}
