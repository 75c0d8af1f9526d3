import { useQuery } from '@tanstack/preact-query';
import { useLocation } from 'preact-iso';
import type { Handler, TaskRecord } from '../data/records.ts';
import { Standing } from '../parts/notice.tsx';
import { PageHead } from '../parts/page.tsx';
import { pageUrl } from '../session/place.ts';
import { useClient, useMay } from '../session/session.tsx';
import { ChooseName } from './choose_name.tsx';
import { SubmitForm } from './submit_form.tsx';

/** Submits a task by a form of its schema (specification U5), also with the payload of another one. */
export function SubmitPage() {
  const client = useClient();
  const { query, route } = useLocation();
  const mayRead = useMay('read');
  const { from } = query;
  const old = useQuery({
    queryKey: ['task', from],
    enabled: from !== undefined,
    queryFn: ({ signal }) =>
      client.request<TaskRecord>('GET', `/v1/tasks/${encodeURIComponent(from ?? '')}`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const handlers = useQuery({
    queryKey: ['handlers'],
    enabled: mayRead,
    queryFn: ({ signal }) => client.request<{ handlers: Handler[] }>('GET', '/v1/handlers', { signal }),
  });
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
