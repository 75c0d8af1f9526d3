import { defineHandler, PermanentError } from 'errand';
import { reserve } from './orders.reserve.task.ts';
import { priceOf } from './warehouse.ts';

export default defineHandler(reserve, ({ order, article, pieces }, context) => {
  const cents = priceOf(article);
  if (cents === undefined)
    throw new PermanentError(`The shop has no article ${article}`, { code: 'UNKNOWN_ARTICLE' });
  context.log.info({ order, article, pieces }, 'reserved');
  return { cents: cents * pieces };
});
