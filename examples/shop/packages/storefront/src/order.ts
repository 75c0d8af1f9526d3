import { createClient } from 'errand/client';
// Types alone: the storefront loads nothing of the tasks.
import type { Tasks } from '../../tasks/types.ts';

const client = createClient<Tasks>({ baseUrl: process.env.ERRAND_URL ?? 'http://localhost:8080' });
const [article = 'tea-pot', pieces = '1'] = process.argv.slice(2);

const order = `A-${Date.now()}`;
const task = await client.submit('orders.place', {
  order,
  email: 'ann@example.com',
  articles: [{ article, pieces: Number(pieces) }],
});
const { result } = await client.wait(task);
console.log(`${order} costs ${(result.cents / 100).toFixed(2)} euros`);
