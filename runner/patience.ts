/** How long somebody waits, for one thing after the other. It is cheaper than a signal, which many waits would be dear with. */
export type Patience = {
  isOver(): boolean;
  /** Calls `give up` when it is over, unless another is named before, or null. Only one waits at a time. */
  onOver(giveUp: (() => void) | null): void;
  /** To be called when nobody waits any more. */
  close(): void;
};

/** Patience that ends when `stopping` is aborted, and after `ms` if that is given. */
export function patience(stopping: AbortSignal, ms?: number): Patience {
  let isOver = stopping.aborted;
  let giveUp: (() => void) | null = null;
  const end = (): void => {
    isOver = true;
    giveUp?.();
  };
  const timer = ms === undefined ? undefined : setTimeout(end, ms);
  stopping.addEventListener('abort', end);
  return {
    isOver: () => isOver,
    onOver(next) {
      giveUp = next;
    },
    close() {
      clearTimeout(timer);
      stopping.removeEventListener('abort', end);
    },
  };
}
