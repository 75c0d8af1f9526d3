import type { ErrandError } from '../client/index.ts';
import { CommandError, EXIT, UsageError } from './exit_codes.ts';
import { inCommands } from './output/in_commands.ts';
import { paintError } from './output/paint.ts';
import { toOneLine } from './output/plain.ts';

/** The reason, in lines for standard error, and the exit code. */
export type Failure = { code: number; lines: string[] };

/** The signal of Ctrl-C aborts everything with this. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(exitCode: number = EXIT.interrupted) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

const MAX_DETAILS = 20;

/** The names of the classes of errors of the client that mean: perhaps later. */
const UNAVAILABLE = new Set([
  'ConnectionError',
  'UnavailableError',
  'CircuitOpenError',
  'RateLimitedError',
  'TimeoutError',
]);

/** Words a thrown value. Each part is one line. `url` is the API that was called, if any. */
export function failureOf(error: unknown, url?: string): Failure {
  if (error instanceof Interrupted) return { code: error.exitCode, lines: [] };
  if (error instanceof UsageError) return { code: EXIT.usage, lines: linesOf(error.message) };
  if (error instanceof CommandError) return { code: EXIT.failed, lines: linesOf(error.message) };
  if (isOfClient(error)) return failureOfClient(error, url);
  const message = error instanceof Error ? error.message || error.name : String(error);
  return { code: EXIT.failed, lines: linesOf(message) };
}

/** Known by its fields, so that commands that call no API need not load the client. */
function isOfClient(error: unknown): error is ErrandError {
  return error instanceof Error && 'code' in error && 'details' in error && Array.isArray(error.details);
}

function failureOfClient(error: ErrandError, url: string | undefined): Failure {
  const details = error.details
    .slice(0, MAX_DETAILS)
    .map(({ path, message }) => `  ${toOneLine(withoutBody(path))}: ${toOneLine(message)}`);
  const more = error.details.length - MAX_DETAILS;
  const hint = hintOf(error, url);
  const id =
    error.requestId === undefined || error.status === undefined ? '' : ` (request ${error.requestId})`;
  const isSuggestion = error.name === 'NotFoundError';
  return {
    code: codeOf(error),
    lines: [
      `${inCommands(toOneLine(error.message))}${paintError('dim', toOneLine(id) === '' ? '' : ` ${toOneLine(id)}`)}`,
      ...(isSuggestion ? [] : details),
      ...(more > 0 && !isSuggestion ? [`  and ${more} more`] : []),
      ...(hint === undefined ? [] : [hint]),
    ],
  };
}

/** The place in what the user gave: the API names places in its request. */
function withoutBody(path: string): string {
  return path.replace(/^\/(body|query|path)(?=\/)/, '');
}

function codeOf({ name, code }: ErrandError): number {
  if (name === 'UnauthorizedError' || name === 'ForbiddenError') return EXIT.unauthorised;
  if (code === 'WAIT_TIMEOUT') return EXIT.unfinished;
  if (UNAVAILABLE.has(name)) return EXIT.unavailable;
  return EXIT.failed;
}

function hintOf(error: ErrandError, url = 'the URL'): string | undefined {
  if (error.name === 'UnauthorizedError')
    return 'Give a token (--token, ERRAND_TOKEN) or an API key (--api-key, ERRAND_API_KEY). `errand token` makes one for development.';
  if (error.name === 'ForbiddenError') return 'Use credentials with this scope and this namespace.';
  if (error.code === 'NO_JSON') return `Check that ${url} is the API of Errand (--url or ERRAND_URL).`;
  if (error.code === 'CONNECTION_FAILED')
    return `Check that the API runs at ${url} (--url or ERRAND_URL). \`errand start\` starts one.`;
  if (error.name === 'RateLimitedError') return 'Try again later, or less often.';
  if (/^HTTP_404$/.test(error.code)) return `Check that ${url} is the API of Errand (--url or ERRAND_URL).`;
  return undefined;
}

function linesOf(message: string): string[] {
  return message
    .split('\n')
    .map((line) => (line.startsWith('  ') ? `  ${toOneLine(line)}` : toOneLine(line)));
}
