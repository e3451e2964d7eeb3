// Times the library on an adapter, and counts what its plans cost. Knows no test framework, no Node, no page.
export { type CallCount, type Calls, type Count, DEFAULT_LIMITS, OPERATIONS, type OperationName, count, countCalls, limitsFor } from './count.js';
export { type Contender, type Timing, measure } from './measure.js';
export { BENCH_HEAD, type BenchRow, type ShapeTable, benchCells, benchMarkdown, benchRows, benchTable, threeDigits } from './report.js';
export { type BenchOptions, type BenchReport, type ShapeReport, benchmark, openTimedDevice } from './run.js';
export { type BenchShape, LARGE_SHAPES, SHAPES } from './shapes.js';
