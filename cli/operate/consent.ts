import { confirm, isCancel } from '@clack/prompts';
import { UsageError } from '../exit_codes.ts';
import { Interrupted } from '../failure.ts';
import { toOneLine } from '../output/plain.ts';
import type { Session } from '../session.ts';

/**
 * Asks on a terminal. Elsewhere nobody can answer, so `--yes` is required: throws UsageError. `otherwise` is
 * what can be done instead. Throws Interrupted if the answer is no.
 */
export async function requireConsent(
  session: Session,
  question: string,
  isGiven: boolean,
  otherwise = '',
): Promise<void> {
  if (isGiven) return;
  const message = toOneLine(question);
  if (!session.isInteractive) throw new UsageError(`${message} Add --yes to do it${otherwise}`);
  const answer = await confirm({
    message,
    initialValue: false,
    output: process.stderr,
    signal: session.signal,
  });
  if (isCancel(answer) || !answer) throw new Interrupted();
}
