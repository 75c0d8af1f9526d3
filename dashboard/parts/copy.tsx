import { useState } from 'preact/hooks';

/** Copies a text. On pages without https, browsers may have no clipboard: then there is no button. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [isDone, setDone] = useState(false);
  if (navigator.clipboard === undefined) return null;
  return (
    <button
      type="button"
      class="quiet copy"
      aria-label={`Copy ${what}`}
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => {
          setDone(true);
          setTimeout(() => setDone(false), 1_500);
        });
      }}
    >
      {isDone ? 'Copied' : 'Copy'}
    </button>
  );
}
