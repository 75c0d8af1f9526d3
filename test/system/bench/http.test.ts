import { expect, test } from 'vitest';
import type { Goal } from '../../../bench/goals.ts';
import { measureHttp } from '../../../bench/http/section.ts';
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
