import { type ComponentChildren, createContext } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';

const ToastContext = createContext<(message: string) => void>(() => undefined);

const SHOWN_MS = 8_000;

/** Shows what an action came to, at the edge of the page, and reads it out. */
export function ToastProvider({ children }: { children: ComponentChildren }) {
  const [toast, setToast] = useState<{ message: string } | null>(null);
  const show = useCallback((message: string) => setToast({ message }), []);
  useEffect(() => {
    if (toast === null) return;
    const timer = setTimeout(() => setToast(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [toast]);
  return (
    <ToastContext.Provider value={show}>
      {children}
      <div class="toast" role="status">
        {toast !== null && (
          <p>
            {toast.message}
            <button type="button" class="quiet" aria-label="Close the message" onClick={() => setToast(null)}>
              ✕
            </button>
          </p>
        )}
      </div>
    </ToastContext.Provider>
  );
}

/** Gives the function that shows a message for a few seconds. */
export function useToast(): (message: string) => void {
  return useContext(ToastContext);
}
