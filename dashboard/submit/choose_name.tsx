import type { Handler } from '../data/records.ts';

/** Chooses the name of a task: out of those that are registered, or typed if none may be read. */
export function ChooseName(props: {
  name: string | undefined;
  handlers: readonly Handler[];
  onChoose: (name: string) => void;
}) {
  const { name, handlers, onChoose } = props;
  const choose = (chosen: string): void => {
    if (chosen !== '') onChoose(chosen);
  };
  const steps = new Set(handlers.flatMap((one) => (one.steps ?? []).map((step) => step.name)));
  const submitted = handlers.filter((one) => one.namespace !== 'errand' && !steps.has(one.name));
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is one of two kinds
    <label class="field name-field">
      <span>Task</span>
      {submitted.length > 0 ? (
        <select value={name ?? ''} onChange={({ currentTarget }) => choose(currentTarget.value)}>
          <option value="">Choose a task</option>
          {submitted.map((one) => (
            <option key={one.name} value={one.name}>
              {one.name}
            </option>
          ))}
        </select>
      ) : (
        <input
          type="text"
          placeholder="billing.send_invoice"
          value={name ?? ''}
          onChange={({ currentTarget }) => choose(currentTarget.value.trim())}
        />
      )}
    </label>
  );
}
