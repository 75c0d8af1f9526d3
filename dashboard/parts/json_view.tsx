import type { Json } from '../data/records.ts';
import { jsonText } from '../text/json.ts';
import { Copy } from './copy.tsx';

/** More characters than this are cut, because a browser takes seconds to lay out megabytes. */
const MAX_CHARACTERS = 100_000;

/** A JSON value as text, indented. It is never interpreted. */
export function JsonView({ value, label }: { value: Json | Record<string, unknown>; label: string }) {
  const text = jsonText(value);
  return (
    <div class="code">
      <Copy text={text} what={label} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields */}
      <pre tabIndex={0} role="group" aria-label={label}>
        {text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}\n…` : text}
      </pre>
      {text.length > MAX_CHARACTERS && (
        <p class="hint">Only the first {MAX_CHARACTERS} characters are shown. Copy has all of it.</p>
      )}
    </div>
  );
}
