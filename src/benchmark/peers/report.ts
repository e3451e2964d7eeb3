import { BENCH_HEAD, type ShapeTable, benchCells, benchMarkdown, benchRows, benchTable, threeDigits } from '../report.js';
import type { BenchReport } from '../run.js';
import { peerRatios } from './ratio.js';
import type { ShapeWithPeers } from './run.js';

export interface PeerReport extends BenchReport {
  shapes: ShapeWithPeers[];
}

/** `benchTable`, and where peers were asked for each time beside the fastest right one's, and below it those without a time. */
export function peerTable(shape: ShapeWithPeers): ShapeTable {
  const ratios = peerRatios(shape.timings);
  if (ratios.every((ratio) => ratio === null) && shape.refused.length === 0) return benchTable(shape);
  return {
    head: [...BENCH_HEAD, '× fastest peer'],
    rows: benchRows(shape).map((row, i) => [...benchCells(row), ratios[i] === null ? '' : threeDigits(ratios[i])]),
    notes: shape.refused.map(({ name, reason }) => `${name}: not timed: ${reason}`),
  };
}

export function peerMarkdown(report: PeerReport, facts: Record<string, string>): string {
  return benchMarkdown(report, facts, peerTable);
}

/** The report as JSON, with what the tables have beside the times. */
export function peerJson(report: PeerReport, facts: Record<string, string>): string {
  const shapes = report.shapes.map((shape) => {
    const ratios = peerRatios(shape.timings);
    return { ...shape, timings: benchRows(shape).map((row, i) => ({ ...row, ofFastestPeer: ratios[i] })) };
  });
  return JSON.stringify({ facts, ...report, shapes }, null, 2);
}
