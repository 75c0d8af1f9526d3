import { count } from '../text/words.ts';

/** Says whether the page follows changes, and holds it. */
export function LiveControl(props: {
  isHeld: boolean;
  /** False on later pages of a list, which do not change. */
  isPossible?: boolean;
  missed: number;
  onHold: (isHeld: boolean) => void;
}) {
  const { isHeld, isPossible = true, missed, onHold } = props;
  if (!isPossible) return <span class="live">Not live on this page</span>;
  return (
    <button
      type="button"
      class={isHeld ? 'live held' : 'live on'}
      aria-pressed={isHeld}
      onClick={() => onHold(!isHeld)}
    >
      <span class="dot" aria-hidden="true" />
      {isHeld ? `Held${missed > 0 ? ` · ${count(missed)} changes` : ''}` : 'Live'}
      <span class="hidden">{isHeld ? ': press to follow again' : ': press to hold'}</span>
    </button>
  );
}
