/** What a next step of an explanation asks for, as far as the dashboard can do it. */
export type NextStep =
  | { kind: 'retry'; taskId: string }
  | { kind: 'cancel'; taskId: string }
  | { kind: 'resume'; queue: string }
  | { kind: 'resume_limit'; limit: string }
  | { kind: 'resolve'; taskId: string; stepId: string };

const ID = '[0-9a-f]{8}-[0-9a-f-]{27}';
const CALLS = new RegExp(
  [
    `PATCH /v1/tasks/(?<retried>${ID})/retry`,
    `DELETE /v1/tasks/(?<cancelled>${ID})`,
    'PUT /v1/queues/(?<queue>[\\w.%-]+)/resume',
    'PUT /v1/limits/(?<limit>[\\w.:-]+) with \\{"paused": false\\}',
    `PATCH /v1/tasks/(?<parent>${ID})/workflow_steps/(?<step>${ID})`,
  ].join('|'),
  'g',
);

/** The operations that a sentence names by method and path, in their order, each once. */
export function nextStepsOf(sentence: string): NextStep[] {
  const steps = [...sentence.matchAll(CALLS)].flatMap(({ groups = {} }): NextStep[] => {
    const { retried, cancelled, queue, limit, parent, step } = groups;
    if (retried !== undefined) return [{ kind: 'retry', taskId: retried }];
    if (cancelled !== undefined) return [{ kind: 'cancel', taskId: cancelled }];
    if (queue !== undefined) return [{ kind: 'resume', queue: decodeURIComponent(queue) }];
    if (limit !== undefined) return [{ kind: 'resume_limit', limit }];
    return parent !== undefined && step !== undefined
      ? [{ kind: 'resolve', taskId: parent, stepId: step }]
      : [];
  });
  return [...new Map(steps.map((step) => [JSON.stringify(step), step])).values()];
}

const VERBS: Record<NextStep['kind'], string> = {
  retry: 'Retry',
  cancel: 'Cancel',
  resume: 'Resume',
  resume_limit: 'Resume',
  resolve: 'Resolve',
};

/** The sentence for a reader who has buttons: each call is the word of its button. */
export function inButtons(sentence: string): string {
  return sentence.replaceAll(CALLS, (call) => {
    const [step] = nextStepsOf(call);
    return step === undefined ? call : `“${VERBS[step.kind]}”`;
  });
}
