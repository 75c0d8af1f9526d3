import { Graph, layout } from '@dagrejs/dagre';
import type { Workflow } from '../data/records.ts';

/** The size of a step on the page, in px. */
export const NODE_WIDTH = 200;
export const NODE_HEIGHT = 62;
const MARGIN = 12;

/** A step by its name, or a task without one by its id. `x` and `y` are the left upper corner, in px. */
export type PlacedNode = { key: string; x: number; y: number; height: number; isCritical: boolean };
/** `path` and `head` are the line and the tip of an arrow, as SVG paths. */
export type PlacedEdge = { from: string; to: string; path: string; head: string; isCritical: boolean };
export type PlacedGraph = { width: number; height: number; nodes: PlacedNode[]; edges: PlacedEdge[] };

/**
 * Places the steps of a workflow from left to right, so that each is after those that it waits for. `unfolded` has the
 * px that a step needs besides its usual height, by its key.
 */
export function placeWorkflow(
  { nodes, edges, critical_path }: Workflow,
  unfolded: ReadonlyMap<string, number> = new Map(),
): PlacedGraph {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 52, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  const keys = nodes.map(({ step, id }) => step ?? id);
  const heightOf = (key: string): number => NODE_HEIGHT + (unfolded.get(key) ?? 0);
  for (const key of keys) graph.setNode(key, { width: NODE_WIDTH, height: heightOf(key) });
  const known = new Set(keys);
  const drawn = edges.filter(({ from, to }) => known.has(from) && known.has(to));
  for (const { from, to } of drawn) graph.setEdge(from, to);
  layout(graph);
  const critical = new Set(critical_path);
  const next = new Set(critical_path.slice(1).map((to, index) => `${critical_path[index]}\0${to}`));
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    nodes: keys.map((key) => {
      const { x, y } = graph.node(key) as Point;
      const height = heightOf(key);
      const corner = { x: Math.round(x - NODE_WIDTH / 2), y: Math.round(y - height / 2) };
      return { key, ...corner, height, isCritical: critical.has(key) };
    }),
    edges: drawn.map(({ from, to }) => {
      const { points } = graph.edge(from, to) as { points: Point[] };
      const [start, end] = [graph.node(from) as Point, graph.node(to) as Point];
      // From the right side of a step to the left side of the next, around those between them.
      const ends = [sideOf(start, 1), ...points.slice(1, -1), sideOf(end, -1)];
      return { from, to, ...arrow(ends), isCritical: next.has(`${from}\0${to}`) };
    }),
  };
}

type Point = { x: number; y: number };

function sideOf({ x, y }: Point, direction: 1 | -1): Point {
  return { x: x + (direction * NODE_WIDTH) / 2, y };
}

const TIP = 7;

/** A smooth line through the points, which ends at the foot of its tip. */
function arrow(points: readonly Point[]): { path: string; head: string } {
  const [first = { x: 0, y: 0 }] = points;
  const end = points.at(-1) ?? first;
  const foot = { x: end.x - TIP, y: end.y };
  const rest = [...points.slice(1, -1), foot];
  let path = `M${at(first)}`;
  let from = first;
  for (const to of rest) {
    const middle = (from.x + to.x) / 2;
    path += `C${at({ x: middle, y: from.y })} ${at({ x: middle, y: to.y })} ${at(to)}`;
    from = to;
  }
  const head = `M${at(end)}L${at({ x: foot.x, y: end.y - 4 })}L${at({ x: foot.x, y: end.y + 4 })}Z`;
  return { path, head };
}

function at({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}
