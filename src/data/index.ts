export { parseCsv, type CsvOptions } from './csv.js';
export { DIGIT_SIZE, type DigitsOptions, digits } from './digits.js';
export { parseIdx } from './idx.js';
export { parseNpy } from './npy.js';
export { type Random, random } from './random.js';
export { readTable, type ReadOptions } from './read.js';
export { type SpiralOptions, spiral } from './spiral.js';
export { type Labelled, type Split, type SplitOptions, shuffled, split, withLabels } from './split.js';
export type { SourceOptions, Table } from './table.js';
