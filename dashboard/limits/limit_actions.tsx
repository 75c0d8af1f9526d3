import { useState } from 'preact/hooks';
import { Confirm, TextField } from '../parts/confirm.tsx';
import { useClient } from '../session/context.ts';
import { useMay } from '../session/principal.ts';

export type Act = 'set' | 'pause' | 'resume' | 'reset';
const TITLES: Record<Act, string> = { set: 'Set', pause: 'Pause', resume: 'Resume', reset: 'Reset' };
const HINTS: Record<Act, string> = {
  set: 'The value replaces the declared one until it is reset, also after deployments. Nothing that runs is ended.',
  pause: 'Nothing more starts under it. What runs goes on, and the others wait.',
  resume: 'Those that wait start again.',
  reset: 'The declared value holds again, and a pause ends.',
};

/** The operations of a limit as buttons, each with its dialog. */
export function LimitActions(props: { name: string; isPaused: boolean; isSet: boolean; isSmall?: boolean }) {
  const { name, isPaused, isSet, isSmall = false } = props;
  const mayOperate = useMay('operate');
  const [act, setAct] = useState<Act | null>(null);
  if (!mayOperate) return null;
  const acts: Act[] = ['set', isPaused ? 'resume' : 'pause', ...(isSet ? (['reset'] as const) : [])];
  return (
    <>
      {acts.map((one) => (
        <button
          key={one}
          type="button"
          class={isSmall ? 'small' : undefined}
          aria-label={`${TITLES[one]} ${name}`}
          onClick={() => setAct(one)}
        >
          {TITLES[one]}
        </button>
      ))}
      {act !== null && <LimitAction name={name} act={act} onClose={() => setAct(null)} />}
    </>
  );
}

function LimitAction({ name, act, onClose }: { name: string; act: Act; onClose: () => void }) {
  const client = useClient();
  const [typed, setTyped] = useState('');
  const path = `/v1/limits/${encodeURIComponent(name)}`;
  return (
    <Confirm
      title={`${TITLES[act]} ${name}?`}
      action={TITLES[act]}
      isDanger={act === 'pause'}
      onClose={onClose}
      act={(reason) => {
        type Answer = { message: string };
        if (act === 'reset') return client.request<Answer>('DELETE', path, { query: { reason } });
        const change = act === 'set' ? { limit: numberOf(typed) } : { paused: act === 'pause' };
        return client.request<Answer>('PUT', path, { body: { ...change, reason } });
      }}
    >
      <p class="hint">{HINTS[act]}</p>
      {act === 'set' && (
        <TextField
          label="Value"
          value={typed}
          onInput={setTyped}
          hint="A number, of a limit with keys for each key; or none for no limit"
        />
      )}
    </Confirm>
  );
}

/** Null for `none`. Other texts are left as they are: the API says what is wrong with them. */
function numberOf(typed: string): number | string | null {
  const text = typed.trim();
  if (text === 'none') return null;
  return /^\d+$/.test(text) ? Number(text) : text;
}
