import { defineHandler, PermanentError } from 'errand';
import { z } from 'zod';
import { send } from './mail.send.task.ts';

const answer = z.object({ id: z.string() });

export default defineHandler(send, async (mail, context) => {
  const response = await fetch(new URL('/messages', process.env.MAIL_URL ?? 'http://localhost:2525'), {
    method: 'POST',
    // The id is the same in every attempt, so the service sends the mail once.
    headers: { 'content-type': 'application/json', 'idempotency-key': context.id },
    body: JSON.stringify(mail),
    signal: context.signal,
  });
  if (response.status >= 400 && response.status < 500)
    throw new PermanentError(`The mail service refused the mail: ${response.status}`, {
      code: 'MAIL_REFUSED',
    });
  if (!response.ok) throw new Error(`The mail service answered ${response.status}`);
  return answer.parse(await response.json());
});
