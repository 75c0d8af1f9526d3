import { defineSteps } from 'errand';
import { place } from './orders.place.workflow.ts';

export default defineSteps(place, {
  steps: {
    reserve: {
      payloads: ({ payload: { order, articles } }) => articles.map((one) => ({ order, ...one })),
    },
    bill: {
      handler: (_payload, { results }) => ({
        cents: results.reserve.reduce((sum, { cents }) => sum + cents, 0),
      }),
    },
    write: {
      payload: ({ payload: { order, email }, results }) => ({
        to: email,
        subject: `Your order ${order}`,
        text: `Thank you. Your order costs ${(results.bill.cents / 100).toFixed(2)} euros.`,
      }),
    },
  },
  output: ({ results }) => results.bill,
});
