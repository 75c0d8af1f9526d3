import { useLocation } from 'preact-iso';
import type { Handler, TaskRecord } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { Standing } from '../parts/notice.tsx';
import { PageHead } from '../parts/page.tsx';
import { pageUrl } from '../session/place.ts';
import { useMay } from '../session/principal.ts';
import { ChooseName } from './choose_name.tsx';
import { SubmitForm } from './submit_form.tsx';

/** Submits a task by a form of its schema (specification U5), also with the payload of another one. */
export function SubmitPage() {
  const { query, route } = useLocation();
  const mayRead = useMay('read');
  const { from } = query;
  const old = useRead<TaskRecord>(['task', from], `/v1/tasks/${encodeURIComponent(from ?? '')}`, {
    enabled: from !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const handlers = useRead<{ handlers: Handler[] }>(['handlers'], '/v1/handlers', { enabled: mayRead });
  const name = old.data?.name ?? query.name;
  const handler = handlers.data?.handlers.find((one) => one.name === name);
  const isReady = (from === undefined || old.data !== undefined) && (!mayRead || handlers.data !== undefined);
  return (
    <>
      <PageHead
        title={from === undefined ? 'Submit a task' : 'Edit and submit again'}
        lead={handler?.description ?? undefined}
      />
      {from !== undefined && old.data === undefined && <Standing asked={old} what="the task" />}
      {mayRead && handlers.data === undefined && <Standing asked={handlers} what="the definitions" />}
      {isReady && from === undefined && (
        <ChooseName
          name={name}
          handlers={handlers.data?.handlers ?? []}
          onChoose={(chosen) => route(pageUrl('submit', `name=${encodeURIComponent(chosen)}`), true)}
        />
      )}
      {isReady && name !== undefined && (
        <SubmitForm key={`${name} ${from}`} name={name} handler={handler} old={old.data} />
      )}
    </>
  );
}
