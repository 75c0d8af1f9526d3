import { afterAll, onTestFinished, TestRunner } from 'vitest';

/** Has this done when the calling test is over; when a file calls it for all of its tests, when they are. */
export function whenDone(end: () => unknown): void {
  const isInTest: boolean = TestRunner.getCurrentTest() !== undefined;
  if (isInTest) onTestFinished(async () => void (await end()));
  else afterAll(async () => void (await end()));
}
