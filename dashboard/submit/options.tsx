import { TextField } from '../parts/confirm.tsx';

/** The options of a submission, as they are typed. */
export type TypedOptions = {
  tags: string;
  priority: string;
  delaySeconds: string;
  expiresInSeconds: string;
  timeoutSeconds: string;
  initiator: string;
  reason: string;
};
export const NO_OPTIONS: TypedOptions = {
  tags: '',
  priority: '',
  delaySeconds: '',
  expiresInSeconds: '',
  timeoutSeconds: '',
  initiator: '',
  reason: '',
};

/** The options for the API. Empty ones are left to the definition. */
export function optionsOf(typed: TypedOptions): Record<string, unknown> {
  const tags = typed.tags
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  const text = (name: string, value: string) => (value.trim() === '' ? {} : { [name]: value.trim() });
  const number = (name: string, value: string) => (value.trim() === '' ? {} : { [name]: Number(value) });
  return {
    ...(tags.length > 0 ? { tags: [...new Set(tags)] } : {}),
    ...number('priority', typed.priority),
    ...number('delay_seconds', typed.delaySeconds),
    ...number('expires_in_seconds', typed.expiresInSeconds),
    ...number('timeout_seconds', typed.timeoutSeconds),
    ...text('initiator', typed.initiator),
    ...text('reason', typed.reason),
  };
}

/** The options besides the payload. A task that replaces another one takes them from it. */
export function Options(props: {
  options: TypedOptions;
  isReplacing: boolean;
  onChange: (options: TypedOptions) => void;
}) {
  const { options, isReplacing, onChange } = props;
  const field = (name: keyof TypedOptions, label: string, hint: string) => (
    <TextField
      label={label}
      hint={hint}
      value={options[name]}
      onInput={(value) => onChange({ ...options, [name]: value })}
    />
  );
  if (isReplacing) return field('reason', 'Reason, for the audit trail', 'Required');
  return (
    <details>
      <summary>Options</summary>
      <div class="grid-form options">
        {field('tags', 'Tags', 'Apart by commas')}
        {field('priority', 'Priority', 'Smaller runs first')}
        {field('delaySeconds', 'Delay', 'In seconds')}
        {field('expiresInSeconds', 'Expires', 'Seconds after it is due, unless it starts')}
        {field('timeoutSeconds', 'Time limit', 'Seconds that an attempt may take')}
        {field('initiator', 'Initiator', 'Who asked for it')}
        {field('reason', 'Reason', 'What it is for')}
      </div>
    </details>
  );
}
