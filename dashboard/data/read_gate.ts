/** At most one reading in this time, however many changes come: a hundred a second cost no more than one. */
const READ_EVERY_MS = 2_000;

/**
 * Lets one reading pass for all that ask within the interval, and none while the page is hidden. The page has just read
 * when it makes its gate, so the first one waits, too.
 */
export function readGate(read: () => void): { ask(): void; end(): void } {
  let lastMs = Date.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pass = (): void => {
    timer = undefined;
    // It asks again when it is shown
    if (document.hidden) return;
    lastMs = Date.now();
    read();
  };
  return {
    ask() {
      timer ??= setTimeout(pass, Math.max(0, lastMs + READ_EVERY_MS - Date.now()));
    },
    end: () => clearTimeout(timer),
  };
}
