import { useMutation, useQueryClient } from '@tanstack/preact-query';
import { useMemo, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { ErrandError } from '../../client/errors.ts';
import { messageOf } from '../data/api.ts';
import type { Handler, TaskRecord } from '../data/records.ts';
import { type Field, fieldsOf, payloadOf, type Typed, typedOf } from '../form/fields.ts';
import { FormFields } from '../form/form_fields.tsx';
import { Notice } from '../parts/notice.tsx';
import { useToast } from '../parts/toast.tsx';
import { useClient } from '../session/context.ts';
import { pageOf } from '../session/place.ts';
import { useMay } from '../session/principal.ts';
import { taskActions } from '../tasks/task_action.tsx';
import { readJson } from '../text/json.ts';
import { NO_OPTIONS, Options, optionsOf, type TypedOptions } from './options.tsx';

type Props = { name: string; handler: Handler | undefined; old: TaskRecord | undefined };
type Draft = { typed: Typed; json: string; isJson: boolean; options: TypedOptions; replaces: boolean };

/** The payload as fields or as JSON, the options, and the submission. */
export function SubmitForm({ name, handler, old }: Props) {
  const fields = useMemo(() => (handler === undefined ? null : fieldsOf(handler.payload_schema)), [handler]);
  const mayOperate = useMay('operate');
  const mayReplace = mayOperate && old !== undefined && taskActions(old).includes('retry');
  const [draft, setDraft] = useState<Draft>(() => ({
    typed: typedOf(fields ?? [], old?.payload ?? {}),
    json: JSON.stringify(old?.payload ?? {}, null, 2),
    isJson: fields === null,
    options: { ...NO_OPTIONS, tags: old?.tags.join(', ') ?? '' },
    replaces: true,
  }));
  const change = (more: Partial<Draft>): void => setDraft({ ...draft, ...more });
  const read = readPayload(fields, draft, old);
  const replaces = mayReplace && draft.replaces;
  const submit = useSubmit(name, replaces ? old : undefined, old !== undefined);
  const problems = { ...problemsOf(submit.error), ...('problems' in read ? read.problems : {}) };
  const isMissing = replaces && draft.options.reason.trim() === '';
  return (
    <form
      class="card submit-form"
      onSubmit={(event) => {
        event.preventDefault();
        if ('payload' in read) submit.mutate({ payload: read.payload, options: draft.options });
      }}
    >
      <Payload fields={fields} draft={draft} read={read} problems={problems} onChange={change} old={old} />
      {mayReplace && (
        <label class="check">
          <input
            type="checkbox"
            checked={draft.replaces}
            onChange={({ currentTarget }) => change({ replaces: currentTarget.checked })}
          />
          Replace the failed task: it is dismissed, and both name each other
        </label>
      )}
      <Options options={draft.options} isReplacing={replaces} onChange={(options) => change({ options })} />
      {submit.error !== null && <Notice kind="error">{messageOf(submit.error)}</Notice>}
      <footer class="actions">
        <button
          type="submit"
          class="primary"
          disabled={!('payload' in read) || submit.isPending || isMissing}
        >
          {replaces ? 'Replace the task' : 'Submit'}
        </button>
      </footer>
    </form>
  );
}

type Read = ReturnType<typeof payloadOf> | { problem: string };

function readPayload(fields: Field[] | null, draft: Draft, old: TaskRecord | undefined): Read {
  if (!draft.isJson && fields !== null) return payloadOf(fields, draft.typed, old?.payload);
  const read = readJson(draft.json);
  if ('problem' in read) return read;
  const { value } = read;
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? { payload: value as TaskRecord['payload'] } : { problem: 'A payload is a JSON object' };
}

function Payload(props: {
  fields: Field[] | null;
  draft: Draft;
  read: Read;
  problems: Typed;
  onChange: (more: Partial<Draft>) => void;
  old: TaskRecord | undefined;
}) {
  const { fields, draft, read, problems, onChange } = props;
  const toggle = (): void => {
    const { payload } = 'payload' in read ? read : { payload: null };
    const json = payload === null ? {} : { json: JSON.stringify(payload, null, 2) };
    const typed = payload === null ? {} : { typed: typedOf(fields ?? [], payload) };
    onChange({ isJson: !draft.isJson, ...(draft.isJson ? typed : json) });
  };
  return (
    <section aria-label="Payload" class="payload">
      <header>
        <h2>Payload</h2>
        {fields !== null && (
          <button type="button" class="small" onClick={toggle}>
            {draft.isJson ? 'Edit as a form' : 'Edit as JSON'}
          </button>
        )}
      </header>
      {draft.isJson || fields === null ? (
        <label class="field">
          <span class="hidden">Payload, as JSON</span>
          <textarea
            value={draft.json}
            spellcheck={false}
            aria-invalid={'problem' in read}
            onInput={({ currentTarget }) => onChange({ json: currentTarget.value })}
          />
          {'problem' in read && <span class="error-text">{read.problem}</span>}
        </label>
      ) : (
        <FormFields
          fields={fields}
          typed={draft.typed}
          problems={problems}
          onType={(path, value) => onChange({ typed: { ...draft.typed, [path]: value } })}
        />
      )}
      {fields?.length === 0 && <p class="muted">This task takes no payload.</p>}
    </section>
  );
}

/** Problems that the API found, by the path of their field. */
function problemsOf(error: unknown): Typed {
  if (!(error instanceof ErrandError)) return {};
  const prefix = /^\/body\/(payload|context)/;
  return Object.fromEntries(error.details.map(({ path, message }) => [path.replace(prefix, ''), message]));
}

type Answer = { task: { id: string }; created: boolean; message: string };

/** Submits, or replaces a failed task, and goes to the new one. */
function useSubmit(name: string, replaced: TaskRecord | undefined, isCopy: boolean) {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const { route } = useLocation();
  return useMutation({
    mutationFn: ({ payload, options }: { payload: object; options: TypedOptions }) => {
      if (replaced !== undefined) {
        const body = { payload, reason: options.reason.trim() };
        return client.request<Answer>('POST', `/v1/tasks/${replaced.id}/resubmit`, { body });
      }
      // A copy is meant: without this it would be the task that it was copied from.
      const dedup = isCopy ? { dedup: 'none' } : {};
      const body = { payload, ...dedup, ...optionsOf(options) };
      return client.request<Answer>('POST', `/v1/tasks/${encodeURIComponent(name)}`, { body });
    },
    onSuccess({ task, message }) {
      toast(message);
      void queries.invalidateQueries({ queryKey: ['tasks'] });
      route(pageOf('tasks', task.id));
    },
  });
}
