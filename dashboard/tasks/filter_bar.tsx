import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { STATES, type State } from '../data/records.ts';
import { TextField } from '../parts/confirm.tsx';
import { pageOf } from '../session/place.ts';
import { MAX_PARTS, partsOf } from '../url/parts.ts';
import { changedFilter, type TaskFilter, TEXT_FILTERS, type TextFilter } from '../url/task_filter.ts';
import { useQueues } from './use_topics.ts';

const TITLES: Record<TextFilter, string> = {
  name: 'Name',
  namespace: 'Namespace',
  tag: 'Tag',
  initiator: 'Initiator',
  submitted_by: 'Submitted by',
  error: 'Error contains',
  error_group: 'Error group',
  parent_id: 'Parent',
  created: 'Created within',
  created_from: 'Created from',
  created_to: 'Created before',
  finished: 'Finished within',
  finished_from: 'Finished from',
  finished_to: 'Finished before',
};

/** The filters that are typed. The others come from links, and are shown to be removed. */
const TYPED: readonly TextFilter[] = ['name', 'namespace', 'tag', 'initiator', 'submitted_by', 'error'];
const SPANS = ['15m', '1h', '24h', '7d'];

type Props = { filter: TaskFilter; onChange: (filter: TaskFilter) => void };

/** What the list shows: the id or the name first, then the states, then the rest. */
export function FilterBar({ filter, onChange }: Props) {
  return (
    <section class="filters" aria-label="Filters">
      <div class="filter-row">
        <Search filter={filter} onChange={onChange} />
        <Span filter={filter} onChange={onChange} />
      </div>
      <States filter={filter} onChange={onChange} />
      <More filter={filter} onChange={onChange} />
      <Chips filter={filter} onChange={onChange} />
    </section>
  );
}

const ID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** An id leads to its task. Anything else is the name of tasks, or a namespace if it has no dot. */
function Search({ filter, onChange }: Props) {
  const { route } = useLocation();
  const current = filter.name ?? filter.namespace ?? '';
  const [typed, setTyped] = useState(current);
  useEffect(() => setTyped(current), [current]);
  const names = useQueues().data?.queues.map(({ name }) => name) ?? [];
  return (
    <form
      class="search"
      aria-label="Find a task or a name"
      onSubmit={(event) => {
        event.preventDefault();
        const text = typed.trim();
        if (ID.test(text)) return route(pageOf('tasks', text.toLowerCase()));
        const isName = text.includes('.');
        onChange(changedFilter(filter, { name: isName ? text : '', namespace: isName ? '' : text }));
      }}
    >
      <input
        type="search"
        aria-label="Id, name or namespace"
        placeholder="Id, name or namespace"
        list="task-names"
        value={typed}
        onInput={({ currentTarget }) => setTyped(currentTarget.value)}
      />
      <datalist id="task-names">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <button type="submit">Search</button>
    </form>
  );
}

function States({ filter, onChange }: Props) {
  const toggle = (state: State): void => {
    const has = filter.state.includes(state);
    const next = has ? filter.state.filter((one) => one !== state) : [...filter.state, state];
    onChange(changedFilter(filter, { state: next }));
  };
  return (
    <fieldset class="states">
      <legend class="hidden">States</legend>
      {STATES.map((state) => (
        <button
          key={state}
          type="button"
          class={`toggle state-${state}`}
          aria-pressed={filter.state.includes(state)}
          onClick={() => toggle(state)}
        >
          {state}
        </button>
      ))}
    </fieldset>
  );
}

function Span({ filter, onChange }: Props) {
  const span = filter.created ?? '';
  return (
    <label class="inline-field">
      <span>Created within</span>
      <select
        value={span}
        onChange={({ currentTarget }) => onChange(changedFilter(filter, { created: currentTarget.value }))}
      >
        <option value="">any time</option>
        {[...new Set([...SPANS, ...(span === '' ? [] : [span])])].map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}

function More({ filter, onChange }: Props) {
  const [draft, setDraft] = useState<Partial<TaskFilter> & { columns?: string }>({});
  // What was typed is forgotten when the filter has changed
  useEffect(() => setDraft({}), [filter]);
  return (
    <details class="more">
      <summary>More filters</summary>
      <form
        class="grid-form"
        onSubmit={(event) => {
          event.preventDefault();
          const payload = [...(filter.payload ?? []), ...(draft.payload ?? [])];
          const { columns = filter.fields?.join(', ') ?? '', ...rest } = draft;
          onChange(changedFilter(filter, { ...rest, payload, fields: partsOf(columns) }));
        }}
      >
        {TYPED.map((name) => (
          <TextField
            key={name}
            label={TITLES[name]}
            value={draft[name] ?? filter[name] ?? ''}
            onInput={(value) => setDraft({ ...draft, [name]: value })}
          />
        ))}
        <TextField
          label="Payload has"
          placeholder="/invoice/id=42"
          hint="A path and a value. Each page looks at a bounded number of tasks"
          value={draft.payload?.[0] ?? ''}
          onInput={(value) => setDraft({ ...draft, payload: [value] })}
        />
        <TextField
          label="Columns of the payload"
          placeholder="/customer, /invoice/id"
          hint={`Paths of up to ${MAX_PARTS} values, shown in the list and saved in the CSV`}
          value={draft.columns ?? filter.fields?.join(', ') ?? ''}
          onInput={(columns) => setDraft({ ...draft, columns })}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={filter.top_level === true}
            onChange={({ currentTarget }) =>
              onChange(changedFilter(filter, { top_level: currentTarget.checked }))
            }
          />
          Without steps and children
        </label>
        <button type="submit" class="primary">
          Apply
        </button>
      </form>
    </details>
  );
}

/** Each filter that is set, to be removed. */
function Chips({ filter, onChange }: Props) {
  const set = TEXT_FILTERS.filter((name) => filter[name] !== undefined);
  const payload = filter.payload ?? [];
  const fields = filter.fields ?? [];
  if (set.length + payload.length + fields.length === 0 && !filter.top_level) return null;
  return (
    <ul class="chips" aria-label="Filters that are set">
      {set.map((name) => (
        <li key={name}>
          <button type="button" onClick={() => onChange(changedFilter(filter, { [name]: '' }))}>
            <span class="muted">{TITLES[name]}</span> {filter[name]} <span aria-hidden="true">✕</span>
            <span class="hidden">: remove</span>
          </button>
        </li>
      ))}
      {payload.map((one) => (
        <li key={one}>
          <button
            type="button"
            onClick={() =>
              onChange(changedFilter(filter, { payload: payload.filter((other) => other !== one) }))
            }
          >
            <span class="muted">Payload</span> {one} <span aria-hidden="true">✕</span>
            <span class="hidden">: remove</span>
          </button>
        </li>
      ))}
      {fields.map((one) => (
        <li key={one}>
          <button
            type="button"
            onClick={() =>
              onChange(changedFilter(filter, { fields: fields.filter((other) => other !== one) }))
            }
          >
            <span class="muted">Column</span> {one} <span aria-hidden="true">✕</span>
            <span class="hidden">: remove</span>
          </button>
        </li>
      ))}
      {filter.top_level && (
        <li>
          <button type="button" onClick={() => onChange(changedFilter(filter, { top_level: false }))}>
            Without steps and children <span aria-hidden="true">✕</span>
            <span class="hidden">: remove</span>
          </button>
        </li>
      )}
      <li>
        <button type="button" class="quiet" onClick={() => onChange({ state: [] })}>
          Clear all
        </button>
      </li>
    </ul>
  );
}
