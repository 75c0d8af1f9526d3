import { defineHandler } from 'errand';
import { send } from '../mail/mail.send.task.ts';
import { nightly } from './reports.nightly.task.ts';
import { takingsOf } from './takings.ts';

export default defineHandler(nightly, async (payload, context) => {
  const { to, day = dayBefore(context.scheduledFor ?? new Date()) } = payload;
  const cents = takingsOf(day);
  const sum = cents.reduce((total, one) => total + one, 0);
  // Submitted with the result, in one transaction: no report without its mail, and no mail twice.
  await context.submit(send, {
    to,
    subject: `Orders of ${day}`,
    text: `${cents.length} orders, ${(sum / 100).toFixed(2)} euros`,
  });
  return { orders: cents.length, cents: sum };
});

/** The day that ended in a night, in Berlin: also if the report comes hours later. */
function dayBefore(night: Date): string {
  const evening = new Date(night.getTime() - 3_600_000);
  return new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin' }).format(evening);
}
