import { defineHandler } from 'errand';
import { send } from '../mail/mail.send.task.ts';
import { nightly } from './reports.nightly.task.ts';

export default defineHandler(nightly, async ({ day, to, cents }, context) => {
  const sum = cents.reduce((total, one) => total + one, 0);
  // Submitted with the result, in one transaction: no report without its mail, and no mail twice.
  await context.submit(send, {
    to,
    subject: `Orders of ${day}`,
    text: `${cents.length} orders, ${(sum / 100).toFixed(2)} euros`,
  });
  return { orders: cents.length, cents: sum };
});
