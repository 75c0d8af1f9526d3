import { useMemo, useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { statusOf } from '../data/api.ts';
import type { LimitKey, LimitRecord, LimitTask } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { TextField } from '../parts/confirm.tsx';
import { PageLink, TaskLink } from '../parts/link.tsx';
import { ExactMoment, Moment } from '../parts/moment.tsx';
import { Empty, Notice, Standing } from '../parts/notice.tsx';
import { Card, PageHead } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { duration } from '../text/time.ts';
import { count } from '../text/words.ts';
import { LimitActions } from './limit_actions.tsx';
import { LimitBadge, usedInWords, valueInWords } from './limit_value.tsx';

/** A limit: what holds, its busiest keys, the tasks that hold it and those that wait, and its operations. */
export function LimitPage() {
  const { id = '' } = useRoute().params;
  const [key, setKey] = useState('');
  const limit = useRead<LimitRecord>(['limit', id, key], `/v1/limits/${encodeURIComponent(id)}`, {
    query: { key: key === '' ? undefined : key },
    refetchInterval: 5_000,
    // The page stays while somebody types a key
    placeholderData: (before) => before,
  });
  const { data } = limit;
  if (data === undefined) {
    return (
      <>
        <PageHead title={id} />
        {statusOf(limit.error) === 404 ? (
          <Empty title="There is no such limit" />
        ) : (
          <Standing asked={limit} what="the limit" />
        )}
      </>
    );
  }
  const hasKeys = data.is_keyed || data.rate !== null || data.keys.some((one) => one.key !== '');
  return (
    <>
      <PageHead
        title={id}
        lead={
          <>
            <LimitBadge limit={data} /> {valueInWords(data.limit, data)}
          </>
        }
      >
        <LimitActions name={id} isPaused={data.paused} isSet={data.setting !== null} />
      </PageHead>
      <Setting limit={data} />
      <div class="columns">
        <div class="column">
          {hasKeys && <Keys limit={data} typed={key} onType={setKey} />}
          <Tasks title="Tasks that wait" tasks={data.waiting} since="Due since" none="Nothing waits." />
          <Tasks
            title="Tasks that hold it"
            tasks={data.holding}
            since="Since"
            none={data.rate === null ? 'Nothing holds it.' : 'A rate is not held: it counts starts.'}
          />
        </div>
        <Facts limit={data} />
      </div>
    </>
  );
}

/** What operators have set. */
function Setting({ limit: { setting, declared, paused } }: { limit: LimitRecord }) {
  if (setting === null) return null;
  const what = [
    ...(setting.has_limit ? ['The value was set by hand'] : []),
    ...(paused ? ['Paused: nothing starts under it'] : []),
    ...(declared === null ? ['No definition has this limit any more'] : []),
  ].join('. ');
  return (
    <Notice kind={paused ? 'warning' : 'info'}>
      {what}. Last change{setting.actor !== null && ` by ${setting.actor}`} <ExactMoment time={setting.at} />
      {setting.reason !== null && <>: “{setting.reason}”</>}
    </Notice>
  );
}

function Facts({ limit }: { limit: LimitRecord }) {
  const { declared, rate, definitions } = limit;
  return (
    <div class="column">
      <Card title="What is known">
        <dl class="definitions">
          <dt>Declared</dt>
          <dd>{declared === null ? 'by no definition' : valueInWords(declared, limit)}</dd>
          {rate !== null && rate.burst !== null && (
            <>
              <dt>Burst</dt>
              <dd>
                {count(rate.burst)} in {duration(rate.window_seconds * 1_000)}
              </dd>
            </>
          )}
          <dt>{rate === null ? 'Slots taken' : 'Starts of the last window'}</dt>
          <dd>{usedInWords(limit)}</dd>
          <dt>Waiting</dt>
          <dd>{count(limit.waiters, limit.waiters_is_capped)}</dd>
          <dt>Definitions</dt>
          <dd>
            {definitions.length === 0 && 'none'}
            {definitions.map((name) => (
              <div key={name}>
                <PageLink to="tasks" query={`name=${encodeURIComponent(name)}`}>
                  {name}
                </PageLink>
              </div>
            ))}
          </dd>
        </dl>
      </Card>
    </div>
  );
}

type KeysProps = { limit: LimitRecord; typed: string; onType: (key: string) => void };

function Keys({
  limit: { keys, rate, keys_is_capped, keys_are_hidden, is_keyed },
  typed,
  onType,
}: KeysProps) {
  return (
    <Card title="Busiest keys">
      {is_keyed && !keys_are_hidden && <TextField label="Only the key" value={typed} onInput={onType} />}
      {keys_are_hidden && <p class="hint">Other namespaces share this limit, so its keys are not shown.</p>}
      {keys_is_capped && <p class="hint">There are more keys: type one to see it.</p>}
      <Table
        label="Busiest keys"
        columns={rate === null ? KEYS : KEYS_OF_RATE}
        rows={keys}
        keyOf={(one) => one.key}
        empty={!keys_are_hidden && <p class="muted">No key is in use.</p>}
      />
    </Card>
  );
}

const NAME_OF_KEY: Column<LimitKey> = {
  ...{ title: 'Key', class: 'task-cell', cell: ({ key }) => (key === '' ? 'all' : key) },
};
const WAITS: readonly Column<LimitKey>[] = [
  {
    ...{ title: 'Waiting', class: 'number' },
    cell: ({ waiters, waiters_is_capped }) => count(waiters, waiters_is_capped),
  },
  { title: 'Next start', cell: ({ next_start_at }) => <Moment time={next_start_at} /> },
];
const KEYS: readonly Column<LimitKey>[] = [
  NAME_OF_KEY,
  {
    ...{ title: 'Holds', class: 'number' },
    cell: ({ holders, holders_is_capped }) => count(holders, holders_is_capped),
  },
  ...WAITS,
];
const KEYS_OF_RATE: readonly Column<LimitKey>[] = [
  NAME_OF_KEY,
  { title: 'Starts', class: 'number', cell: ({ starts }) => count(starts ?? 0) },
  ...WAITS,
];

function Tasks(props: { title: string; tasks: readonly LimitTask[]; since: string; none: string }) {
  const { title, tasks, since, none } = props;
  const columns = useMemo(() => tasksSince(since), [since]);
  return (
    <Card title={title}>
      <Table
        label={title}
        columns={columns}
        rows={tasks}
        keyOf={({ id }) => id}
        empty={<p class="muted">{none}</p>}
      />
    </Card>
  );
}

function tasksSince(since: string): readonly Column<LimitTask>[] {
  return [
    {
      title: 'Task',
      class: 'task-cell',
      cell: ({ id, name }) => (
        <>
          <TaskLink id={id} />
          <span class="sub">{name}</span>
        </>
      ),
    },
    { title: 'Key', class: 'task-cell', cell: ({ key }) => key },
    { title: since, cell: (task) => <Moment time={task.since} /> },
  ];
}
