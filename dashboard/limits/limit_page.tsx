import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { statusOf } from '../data/api.ts';
import type { LimitKey, LimitRecord, LimitTask } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { TextField } from '../parts/confirm.tsx';
import { PageLink, TaskLink } from '../parts/link.tsx';
import { ExactMoment, Moment } from '../parts/moment.tsx';
import { Empty, Notice, Standing } from '../parts/notice.tsx';
import { Card, PageHead, TableBox } from '../parts/page.tsx';
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
      {keys.length === 0 && !keys_are_hidden && <p class="muted">No key is in use.</p>}
      {keys.length > 0 && (
        <TableBox label="Busiest keys">
          <table>
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">{rate === null ? 'Holds' : 'Starts'}</th>
                <th scope="col">Waiting</th>
                <th scope="col">Next start</th>
              </tr>
            </thead>
            <tbody>
              {keys.map((one) => (
                <Key key={one.key} of={one} />
              ))}
            </tbody>
          </table>
        </TableBox>
      )}
    </Card>
  );
}

function Key({ of }: { of: LimitKey }) {
  return (
    <tr>
      <td class="task-cell">{of.key === '' ? 'all' : of.key}</td>
      <td class="number">
        {of.starts === null ? count(of.holders, of.holders_is_capped) : count(of.starts)}
      </td>
      <td class="number">{count(of.waiters, of.waiters_is_capped)}</td>
      <td>
        <Moment time={of.next_start_at} />
      </td>
    </tr>
  );
}

function Tasks(props: { title: string; tasks: readonly LimitTask[]; since: string; none: string }) {
  const { title, tasks, since, none } = props;
  return (
    <Card title={title}>
      {tasks.length === 0 && <p class="muted">{none}</p>}
      {tasks.length > 0 && (
        <TableBox label={title}>
          <table>
            <thead>
              <tr>
                <th scope="col">Task</th>
                <th scope="col">Key</th>
                <th scope="col">{since}</th>
              </tr>
            </thead>
            <tbody>
              {tasks.map(({ id, name, key, since: time }) => (
                <tr key={id}>
                  <td class="task-cell">
                    <TaskLink id={id} />
                    <span class="sub">{name}</span>
                  </td>
                  <td class="task-cell">{key}</td>
                  <td>
                    <Moment time={time} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableBox>
      )}
    </Card>
  );
}
