// What `import … from 'errand/testing'` gives. It needs no test runner.

export type { AttemptOptions, CollectedLine, CollectedTask } from './collected.ts';
export type { Duration } from './duration.ts';
export { type HandlerRun, runBatchHandler, runHandler, runStep, type StepRun } from './run_handler.ts';
export {
  type DrainOptions,
  startTestErrand,
  type TestErrand,
  type TestErrandOptions,
} from './test_errand.ts';
