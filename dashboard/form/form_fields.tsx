import type { Field, Typed } from './fields.ts';

type Props = {
  fields: readonly Field[];
  typed: Typed;
  problems: Typed;
  onType: (path: string, value: string) => void;
};

/** The fields of a payload, each with its description and its problem. */
export function FormFields({ fields, ...rest }: Props) {
  return (
    <>
      {fields.map((field) =>
        field.kind === 'group' ? (
          <fieldset key={field.path} class="group">
            <legend>{field.title}</legend>
            {field.description !== '' && <p class="hint">{field.description}</p>}
            <FormFields fields={field.fields} {...rest} />
          </fieldset>
        ) : (
          <OneField key={field.path} field={field} {...rest} />
        ),
      )}
    </>
  );
}

function OneField(props: Omit<Props, 'fields'> & { field: Field }) {
  const { field, typed, problems, onType } = props;
  const { path, title, isRequired, description } = field;
  const problem = problems[path];
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is one of several kinds
    <label class="field">
      <span>
        {title}{' '}
        {isRequired ? <span class="hint">required</span> : <span class="hint">{kindTitle(field)}</span>}
      </span>
      <Input
        field={field}
        value={typed[path] ?? ''}
        isWrong={problem !== undefined}
        onType={(value) => onType(path, value)}
      />
      {description !== '' && <span class="hint">{description}</span>}
      {problem !== undefined && (
        <span class="error-text" role="alert">
          {problem}
        </span>
      )}
    </label>
  );
}

function kindTitle({ kind }: Field): string {
  return kind === 'json' ? 'as JSON' : '';
}

function Input(props: { field: Field; value: string; isWrong: boolean; onType: (value: string) => void }) {
  const { field, value, isWrong, onType } = props;
  const { kind, options, placeholder, isRequired } = field;
  if (kind === 'boolean' || kind === 'choice') {
    const all = kind === 'boolean' ? [true, false] : options;
    return (
      <select
        value={value}
        aria-invalid={isWrong}
        onChange={({ currentTarget }) => onType(currentTarget.value)}
      >
        <option value="">{placeholder === '' ? '–' : `default: ${placeholder}`}</option>
        {all.map((option) => {
          const text = JSON.stringify(option);
          return (
            <option key={text} value={text}>
              {typeof option === 'string' ? option : text}
            </option>
          );
        })}
      </select>
    );
  }
  if (kind === 'json' || kind === 'long') {
    return (
      <textarea
        class={kind === 'long' ? 'short prose' : 'short'}
        spellcheck={false}
        value={value}
        placeholder={placeholder}
        aria-invalid={isWrong}
        aria-required={isRequired}
        onInput={({ currentTarget }) => onType(currentTarget.value)}
      />
    );
  }
  return (
    <input
      type="text"
      inputMode={kind === 'text' ? 'text' : 'decimal'}
      value={value}
      placeholder={placeholder}
      aria-invalid={isWrong}
      aria-required={isRequired}
      onInput={({ currentTarget }) => onType(currentTarget.value)}
    />
  );
}
