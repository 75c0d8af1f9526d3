import type { Attempt, TaskRecord, WorkflowNode } from '../../client/index.ts';
import type { Session } from '../session.ts';
import { paint, paintWord } from './paint.ts';
import { toInertJson, toOneLine, toPlainText } from './plain.ts';
import type { Column } from './table.ts';
import { toDuration, toMoment, toNumberOf, toPercent } from './words.ts';

/** Prints the record of a task for people. */
export function printRecord(session: Session, task: TaskRecord): void {
  printFields(session, fieldsOf(task));
  printJson(session, 'Payload', task.payload);
  if (task.result !== null) printJson(session, 'Result', task.result);
  if (task.error !== null) {
    session.print(`\n${paint('bold', 'Error')}`);
    session.print(indented(errorText(task.error)));
  }
  if (task.attempts.length > 0) {
    const { attemptsTotal } = task;
    const earlier = attemptsTotal - task.attempts.length;
    session.print(`\n${paint('bold', 'Attempts')}${earlier > 0 ? ` (the last of ${attemptsTotal})` : ''}`);
    session.table(ATTEMPTS, task.attempts);
  }
  if (task.workflow !== null && task.workflow.nodes.length > 0) {
    session.print(`\n${paint('bold', 'Steps')}`);
    session.table(STEPS, task.workflow.nodes);
  }
}

/** Prints names and values, one per line, aligned. Values that are undefined are left out. */
export function printFields(
  session: Session,
  fields: readonly (readonly [string, string | undefined])[],
): void {
  const shown = fields.filter((field): field is [string, string] => field[1] !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  for (const [name, value] of shown) session.print(`${paint('dim', name.padEnd(width))}  ${value}`);
}

/** Prints a JSON value below a heading. */
function printJson(session: Session, heading: string, value: unknown): void {
  session.print(`\n${paint('bold', heading)}`);
  session.print(indented(toInertJson(JSON.stringify(value, null, 2))));
}

const orNone = (text: string | null): string | undefined => (text === null ? undefined : toOneLine(text));
const momentOrNone = (time: string | null): string | undefined =>
  time === null ? undefined : toMoment(time);

function fieldsOf(task: TaskRecord): [string, string | undefined][] {
  return [
    ['Task', task.id],
    ['Name', `${toOneLine(task.name)} ${paint('dim', toOneLine(task.version))}`],
    ['State', stateOf(task)],
    ['Progress', progressOf(task)],
    ['Created', toMoment(task.createdAt)],
    ['Due', task.startedAt === null && task.finishedAt === null ? toMoment(task.runAt) : undefined],
    ['Started', momentOrNone(task.startedAt)],
    ['Finished', momentOrNone(task.finishedAt)],
    ['Took', tookOf(task.startedAt, task.finishedAt)],
    ['Cancel asked', task.finishedAt === null ? momentOrNone(task.cancelRequestedAt) : undefined],
    ['Priority', task.priority === 0 ? undefined : String(task.priority)],
    ['Tags', task.tags.length === 0 ? undefined : toOneLine(task.tags.join(', '))],
    ['Initiator', orNone(task.initiator)],
    ['Submitted by', orNone(task.submittedBy)],
    ['Source', orNone(task.sourceSystem)],
    ['Reason', orNone(task.reason)],
    [
      'Dedup',
      task.dedup === null ? undefined : [task.dedup, orNone(task.dedupKey)].filter(Boolean).join(': '),
    ],
    ['Debounced', task.debounced ? toNumberOf(task.debounced, 'time') : undefined],
    ['Callback', orNone(task.callbackUrl)],
    [
      'Part of',
      task.parentId === null ? undefined : [task.parentId, orNone(task.step)].filter(Boolean).join(', step '),
    ],
    ['Crashes', task.crashes === 0 ? undefined : toNumberOf(task.crashes, 'runner')],
  ];
}

function stateOf({ state, attempt, maxAttempts, skipped }: TaskRecord): string {
  return `${paintWord(state)}${skipped ? ' (skipped)' : ''}, attempt ${attempt} of ${maxAttempts}`;
}

function progressOf({ progress, progressNote }: TaskRecord): string | undefined {
  if (progress === null) return undefined;
  return `${toPercent(progress)}${progressNote === null ? '' : ` ${toOneLine(progressNote)}`}`;
}

function tookOf(from: string | null, to: string | null): string | undefined {
  return from === null || to === null ? undefined : toDuration(Date.parse(to) - Date.parse(from));
}

function errorText(error: NonNullable<TaskRecord['error']>): string {
  const code = error.errorCode === null ? '' : ` (${error.errorCode})`;
  const kind = error.retryable ? '' : ', permanent';
  // The first lines of a stack repeat the message.
  const calls = /^ {4}at /m.exec(error.stack ?? '');
  const stack = calls === null ? '' : `\n${toPlainText(error.stack?.slice(calls.index) ?? '')}`;
  const causes = (error.causes ?? []).map(
    (cause) => `\ncaused by ${cause.errorType}: ${toPlainText(cause.message)}`,
  );
  const head = `${toOneLine(`${error.errorType}${code}`)}${kind}: ${toPlainText(error.message)}`;
  return `${paint('red', head)}${paint('dim', stack)}${causes.join('')}`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

const ATTEMPTS: readonly Column<Attempt>[] = [
  { head: '#', cell: ({ attempt }) => String(attempt), align: 'right' },
  { head: 'OUTCOME', cell: ({ outcome }) => outcome, paint: paintWord },
  {
    head: 'STARTED',
    cell: ({ startedAt }) => (startedAt === null ? '-' : toMoment(startedAt)),
    dropOrder: 2,
  },
  { head: 'TOOK', cell: ({ startedAt, finishedAt }) => tookOf(startedAt, finishedAt) ?? '-', align: 'right' },
  {
    head: 'RUNNER',
    cell: ({ runner }) => (runner === null ? '-' : `${runner.id} (${runner.host})`),
    min: 6,
    dropOrder: 1,
  },
  { head: 'ERROR', cell: ({ error }) => error?.message ?? '', min: 10 },
];

const STEPS: readonly Column<WorkflowNode>[] = [
  { head: 'STEP', cell: ({ step }) => step ?? '-', min: 10 },
  { head: 'STATE', cell: ({ state, skipped }) => (skipped ? 'skipped' : state), paint: paintWord },
  { head: 'TRY', cell: ({ attempt, maxAttempts }) => `${attempt}/${maxAttempts}`, align: 'right' },
  {
    head: 'TOOK',
    cell: ({ durationMs }) => (durationMs === null ? '-' : toDuration(durationMs)),
    align: 'right',
  },
  { head: 'AFTER', cell: ({ after }) => after?.join(', ') || '-', min: 8, dropOrder: 2 },
  { head: 'ID', cell: ({ id }) => id },
  { head: 'ERROR', cell: ({ errorMessage }) => errorMessage ?? '', min: 12, dropOrder: 1 },
];
