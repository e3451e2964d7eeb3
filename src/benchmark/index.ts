// Times the library on an adapter, and counts what its plans cost. Knows no test framework, no Node, no page.
export { type Count, count } from './count.js';
export { type Contender, type Timing, measure } from './measure.js';
export { BENCH_HEAD, type BenchRow, benchCells, benchMarkdown, benchRows } from './report.js';
export { type BenchOptions, type BenchReport, type ShapeReport, benchmark } from './run.js';
export { type BenchShape, LARGE_SHAPES, SHAPES } from './shapes.js';
