import { describe, expect, test } from 'vitest';
import { csvLine } from '../../../dashboard/text/csv.ts';
import { inButtons, nextStepsOf } from '../../../dashboard/url/next_steps.ts';
import { fileFields, lineFields, MAX_PARTS, partsOf } from '../../../dashboard/url/parts.ts';
import {
  apiFilter,
  changedFilter,
  filterCount,
  readFilter,
  writeFilter,
} from '../../../dashboard/url/task_filter.ts';

const ID = '019c0000-0000-7000-8000-000000000001';
const OTHER = '019c0000-0000-7000-8000-000000000002';

describe('the filter of tasks in the URL', () => {
  test('every filter survives the way into the URL and back', () => {
    const query =
      'state=queued&state=failed&name=a.b&tag=x+y&error=no+such&created=24h&top_level=true&cursor=abc';
    const filter = readFilter(new URLSearchParams(query));
    expect(writeFilter(filter)).toBe(query);
    expect(readFilter(new URLSearchParams(writeFilter(filter)))).toEqual(filter);
    expect(filterCount(filter)).toBe(6);
  });

  test('equal filters have one URL, whatever the order of their states', () => {
    const of = (query: string) => writeFilter(readFilter(new URLSearchParams(query)));
    expect(of('state=failed&state=queued')).toBe(of('state=queued&state=failed&state=queued'));
  });

  test('what nobody knows is left out', () => {
    expect(readFilter(new URLSearchParams('state=happy&created=soon&colour=red&name='))).toEqual({
      state: [],
    });
  });

  test('a change of the filter starts at the first page, and an empty text removes a filter', () => {
    const filter = readFilter(new URLSearchParams('name=a.b&tag=x&cursor=abc'));
    expect(changedFilter(filter, { tag: '' })).toEqual({ name: 'a.b', state: [] });
  });

  test('a span is a time for the API, on a full minute', () => {
    const filter = readFilter(new URLSearchParams('created=1h&state=failed'));
    expect(apiFilter(filter, Date.parse('2026-11-30T12:34:56Z'))).toEqual({
      created_from: '2026-11-30T11:34:00.000Z',
      state: ['failed'],
    });
  });
});

describe('the next steps of an explanation', () => {
  test('the calls of a sentence are found, in their order and each once', () => {
    const sentence = `PATCH /v1/tasks/${ID}/retry runs charge again; PATCH /v1/tasks/${OTHER}/workflow_steps/${ID} resolves it`;
    expect(nextStepsOf(`${sentence}. ${sentence}`)).toEqual([
      { kind: 'retry', taskId: ID },
      { kind: 'resolve', taskId: OTHER, stepId: ID },
    ]);
    expect(nextStepsOf('Resume it: PUT /v1/queues/billing.send/resume')).toEqual([
      { kind: 'resume', queue: 'billing.send' },
    ]);
    expect(nextStepsOf(`DELETE /v1/tasks/${ID}, and submit it again`)).toEqual([
      { kind: 'cancel', taskId: ID },
    ]);
  });

  test('a sentence without a call has no button', () => {
    expect(nextStepsOf('Start a runner: npm run runner')).toEqual([]);
  });

  test('a reader sees the words of the buttons in place of the calls', () => {
    expect(inButtons(`Correct the cause: PATCH /v1/tasks/${ID}/retry queues it again`)).toBe(
      'Correct the cause: “Retry” queues it again',
    );
  });
});

describe('columns of the payload', () => {
  test('paths are separated by commas or spaces, with dots or slashes, each once', () => {
    expect(partsOf('/customer, invoice.id  /customer')).toEqual(['/customer', '/invoice/id']);
    expect(partsOf(' , / ')).toEqual([]);
    expect(partsOf(Array.from({ length: 20 }, (_, index) => `/f${index}`).join(','))).toHaveLength(MAX_PARTS);
  });

  test('they are in the URL, and filter nothing', () => {
    const filter = readFilter(new URLSearchParams('state=failed&fields=/customer,/invoice/id'));
    expect(filter.fields).toEqual(['/customer', '/invoice/id']);
    expect(readFilter(new URLSearchParams(writeFilter(filter)))).toEqual(filter);
    expect(apiFilter(filter, 0)).toEqual({ state: ['failed'] });
    expect(filterCount({ state: [], fields: ['/customer'] })).toBe(0);
  });

  test('a list and a file ask for them after their own columns', () => {
    expect(lineFields(['/customer'])).toMatch(/^id,name,.*,payload\/customer$/);
    expect(fileFields(['/customer'])).toMatch(/^id,name,.*,payload\/customer$/);
    expect(lineFields().split(',').length + MAX_PARTS).toBeLessThanOrEqual(30);
    expect(fileFields().split(',').length + MAX_PARTS).toBeLessThanOrEqual(30);
  });
});

describe('a table as a file', () => {
  test('a cell that a spreadsheet would misread is guarded, and numbers stay', () => {
    expect(csvLine(['=1+1', '-5', 'a "b", c', ' x\n y '])).toBe(`'=1+1,-5,"a ""b"", c",x y\r\n`);
  });
});
