import type { AddressInfo } from 'node:net';
import express from 'express';
import { openPool } from '../../store/database/pool.ts';

// The least cost of a submission in this language: Express and one INSERT of the unchecked input.
// It gets the same requests as Errand, uses as many Postgres connections, and also prepares its
// statement once.
const KEEP_ALIVE_MS = 65_000;

const pool = openPool({
  connectionString: process.env.DATABASE_URL,
  applicationName: 'bare express',
  size: Number(process.env.DATABASE_POOL_SIZE),
  statementTimeoutMs: 0,
  onError: (error) => console.error(error),
});
await pool.query(`
  create table submissions (
    id uuid primary key default uuidv7(),
    name text not null,
    payload jsonb not null
  )`);

const app = express();
app.use(express.json());
app.post('/v1/tasks/:name', async (request, response) => {
  const { rows } = await pool.query<{ id: string }>({
    name: 'insert_submission',
    text: 'insert into submissions (name, payload) values ($1, $2) returning id',
    values: [request.params.name, request.body.payload],
  });
  response.status(201).json({ id: rows[0]?.id });
});

const server = app.listen(0, '127.0.0.1', () => {
  process.send?.({ listening: (server.address() as AddressInfo).port });
});
server.keepAliveTimeout = KEEP_ALIVE_MS;
process.on('SIGTERM', () => {
  server.close(() => void pool.end().then(() => process.exit()));
  server.closeAllConnections();
});
