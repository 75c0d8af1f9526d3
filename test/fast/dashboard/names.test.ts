import { expect, test } from 'vitest';
import { type Name, shownNames } from '../../../dashboard/home/shown_names.ts';

const name = (of: string, { failed = 0, running = 0, succeeded = 1 } = {}): Name =>
  ({
    name: of,
    open: { scheduled: 0, waiting: 0, queued: 0, running, retrying: 0 },
    finished: { succeeded, failed, cancelled: 0, resolved: 0, expired: 0 },
  }) as Name;

test('names with trouble come first, and steps without any are left out', () => {
  const { names, quietSteps } = shownNames([
    ...[name('order.ship'), name('order.ship.pack'), name('order.ship.label', { failed: 1 })],
    ...[name('mail.send', { succeeded: 50 }), name('mail.sort', { running: 3 })],
  ]);
  expect(names.map((one) => one.name)).toEqual(['order.ship.label', 'mail.sort', 'mail.send', 'order.ship']);
  expect(quietSteps).toBe(1);
});
