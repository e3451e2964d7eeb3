export { parseCsv, type CsvOptions } from './csv.js';
export { parseIdx } from './idx.js';
export { parseNpy } from './npy.js';
export { type Random, random } from './random.js';
export { readTable, type ReadOptions } from './read.js';
export type { SourceOptions, Table } from './table.js';
