import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/preact-query';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { messageOf } from '../data/api.ts';
import type { Handler, Json, Schedule } from '../data/records.ts';
import { fieldsOf, payloadOf, type Typed, typedOf } from '../form/fields.ts';
import { FormFields } from '../form/form_fields.tsx';
import { TextField } from '../parts/confirm.tsx';
import { ExactMoment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { useToast } from '../parts/toast.tsx';
import { useClient } from '../session/context.ts';
import { pageOf } from '../session/place.ts';
import { RARE_SETTINGS, usualSettings } from './settings_schema.ts';

type Settings = Record<string, Json>;
type PutAnswer = { schedule: Schedule; message: string };
const ID = /^[\w-]+\.[\w.-]+$/;

/** The settings of a schedule as fields, with what they would make of it. `schedule` is the one that is changed. */
export function ScheduleForm(props: { handler: Handler; schedule: Schedule | undefined }) {
  const { handler, schedule } = props;
  const before = useMemo(() => withoutNulls(schedule?.settings ?? {}), [schedule]);
  const usual = useMemo(() => fieldsOf(usualSettings(handler)) ?? [], [handler]);
  const rare = useMemo(() => fieldsOf(RARE_SETTINGS) ?? [], []);
  const [typed, setTyped] = useState<Typed>(() => typedOf([...usual, ...rare], before));
  const [id, setId] = useState(schedule?.id ?? '');
  const [reason, setReason] = useState('');
  const read = payloadOf([...usual, ...rare], typed, before);
  const settings = 'payload' in read ? { ...read.payload, task: handler.name } : null;
  const isNamed = ID.test(id);
  const put = usePut(id, reason);
  const problems = 'problems' in read ? read.problems : {};
  const form = {
    typed,
    problems,
    onType: (path: string, value: string) => setTyped({ ...typed, [path]: value }),
  };
  return (
    <form
      class="card submit-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (settings !== null && isNamed) put.mutate(settings);
      }}
    >
      {schedule === undefined && (
        <TextField
          label="Id"
          hint={`Begins with a namespace, such as ${handler.namespace}.every_morning`}
          value={id}
          onInput={setId}
        />
      )}
      <FormFields fields={usual} {...form} />
      <details>
        <summary>More settings</summary>
        <FormFields fields={rare} {...form} />
      </details>
      {settings !== null && isNamed && <Preview id={id} settings={settings} />}
      <TextField label="Reason, for the audit trail (optional)" value={reason} onInput={setReason} />
      {put.error !== null && <Notice kind="error">{messageOf(put.error)}</Notice>}
      <footer class="actions">
        <button type="submit" class="primary" disabled={settings === null || !isNamed || put.isPending}>
          {schedule === undefined ? 'Make the schedule' : 'Change the schedule'}
        </button>
      </footer>
    </form>
  );
}

/** A setting that is null is one that was not given. */
function withoutNulls(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
}

function usePut(id: string, reason: string) {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const { route } = useLocation();
  return useMutation({
    mutationFn: (settings: Settings) =>
      client.request<PutAnswer>('PUT', `/v1/schedules/${encodeURIComponent(id)}`, {
        body: settings,
        query: { reason: reason.trim() === '' ? undefined : reason.trim() },
      }),
    onSuccess({ message }) {
      toast(message);
      void queries.invalidateQueries();
      route(pageOf('schedules', id));
    },
  });
}

const TYPING_MS = 400;

/** What the API would make of the settings: its next times, or what is wrong. Nothing is changed. */
function Preview({ id, settings }: { id: string; settings: Settings }) {
  const client = useClient();
  const asked = useSettled(JSON.stringify(settings));
  const { data, error } = useQuery({
    queryKey: ['schedule-preview', id, asked],
    queryFn: ({ signal }) =>
      client.request<PutAnswer>('PUT', `/v1/schedules/${encodeURIComponent(id)}`, {
        ...{ signal, body: JSON.parse(asked) as Settings, query: { dry_run: true } },
      }),
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  if (error !== null) return <Notice kind="warning">{messageOf(error)}</Notice>;
  if (data === undefined) return null;
  const { schedule, message } = data;
  return (
    <section class="preview" aria-label="Preview">
      <p>
        <strong>{schedule.in_words}</strong>. {message}
      </p>
      <ol class="definitions">
        {schedule.next_times.slice(0, 3).map(({ at }) => (
          <li key={at}>
            <ExactMoment time={at} />
          </li>
        ))}
      </ol>
    </section>
  );
}

/** A text, once it has stayed the same for TYPING_MS. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
