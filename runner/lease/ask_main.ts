import { Session } from 'node:inspector';

/** Node may refuse the session, or the main thread may not run JavaScript. */
const ASK_TIMEOUT_MS = 1_000;

/** The global symbol under which the main thread offers the key of its current attempt. */
export const CURRENT_ATTEMPT = 'errand.currentAttempt';

/**
 * Asks the main thread, from another thread, which attempt it executes. The main thread answers
 * even in the middle of an endless loop. Gives null if it executes none, and undefined if it did
 * not answer: it may wait in a call that is not JavaScript. It costs nothing until it is called.
 */
export async function askMain(): Promise<string | null | undefined> {
  const session = new Session();
  const { promise, resolve } = Promise.withResolvers<string | null | undefined>();
  const timer = setTimeout(() => resolve(undefined), ASK_TIMEOUT_MS);
  try {
    session.connectToMainThread();
    const expression = `globalThis[Symbol.for('${CURRENT_ATTEMPT}')]?.() ?? null`;
    session.post('Runtime.evaluate', { expression, returnByValue: true }, (error, answer) => {
      resolve(error === null ? (answer.result.value as string | null) : undefined);
    });
    return await promise;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    session.disconnect();
  }
}
