import { expect, test } from 'vitest';
import type { Goal } from '../../../bench/goals.ts';
import { measureHttp } from '../../../bench/http/section.ts';
import { measureLatency } from '../../../bench/latency/section.ts';
import type { Section } from '../../../bench/report.ts';
import { benchServerOfTests } from './bench_server.ts';

const server = await benchServerOfTests();

/** What a goal is, without its figures. */
function shapes({ goals = [] }: Section) {
  return goals.map(({ what, unit, ours, peer, goal }: Goal) => ({
    ...{ what, unit, peer: peer?.name, goal },
    rounds: [ours.length, peer?.rounds.length],
  }));
}

test('submitting over HTTP is measured beside Express with one INSERT, and batches beside pg-boss', async () => {
  const told: string[] = [];
  const section = await measureHttp(server, { requests: 200, batches: 1, rounds: 2 }, (line) =>
    told.push(line),
  );
  const express = { peer: 'Express with one INSERT', rounds: [2, 2] };
  expect(shapes(section)).toEqual([
    { what: 'single submissions, 32 connections', unit: 'requests/s', ...express, goal: { atLeast: 0.7 } },
    {
      what: 'CPU of a single submission, server and Postgres',
      ...{ unit: 'CPU s per 1,000', ...express, goal: null },
    },
    {
      what: 'batches of 1,000',
      ...{ unit: 'tasks/s', peer: 'pg-boss insert in process', rounds: [2, 2], goal: { atLeast: 0.7 } },
    },
  ]);
  const figures = section.goals?.flatMap(({ ours, peer }) => [...ours, ...(peer?.rounds ?? [])]) ?? [];
  expect(figures.filter((figure) => !(figure > 0 && Number.isFinite(figure)))).toEqual([]);
  expect(told.slice(2, 6)).toEqual([
    'single submissions to Errand, round 1 of 2',
    'the same to Express with one INSERT, round 1 of 2',
    'single submissions to Errand, round 2 of 2',
    'the same to Express with one INSERT, round 2 of 2',
  ]);
});

test('the start of a handler is measured beside graphile-worker, from the answer and from sending', async () => {
  const section = await measureLatency(server, { repetitions: 5 }, () => {});
  const goals = section.goals ?? [];
  const peer = 'graphile-worker';
  expect(shapes(section).map(({ goal: _, ...shape }) => shape)).toEqual([
    { what: 'from the answer to the start, median', unit: 'ms', peer, rounds: [5, 5] },
    { what: 'from the answer to the start, p99', unit: 'ms', peer, rounds: [1, 1] },
    { what: 'from sending to the start, median', unit: 'ms', peer, rounds: [5, 5] },
    { what: 'from sending to the start, p99', unit: 'ms', peer, rounds: [1, 1] },
  ]);
  const isPositive = goals.map(({ peer }) => peer?.rounds.every((ms) => ms > 0));
  // A machine that is busy may be slow to take the answer.
  const asked = isPositive[0] ? 0 : 2;
  expect(goals.map(({ goal }) => goal)).toEqual(
    [0, 1, 2, 3].map((row) => (row === asked ? { atMost: 1.2 } : null)),
  );
  const fromSending = goals.slice(2).flatMap(({ ours, peer }) => [...ours, ...(peer?.rounds ?? [])]);
  expect(fromSending.filter((ms) => !(ms > 0 && ms < 60_000))).toEqual([]);
});
