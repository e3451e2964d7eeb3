import type { BatchShape, Layout } from '../index.js';

/** One tensor of the benchmark. */
export interface BenchShape {
  name: string;
  layout: Layout;
  channels: number;
  rows: number;
  /** What the kernels' calls take. */
  shape: BatchShape;
  elements: number;
}

const matrix = (rows: number, channels: number): BenchShape => ({
  name: `[${rows}, ${channels}]`, layout: 'channelsLast', channels, rows, shape: { rows }, elements: rows * channels,
});

const image = (layout: Layout, [batch, channels, height, width]: readonly [number, number, number, number]): BenchShape => ({
  name: layout === 'channelsLast' ? `NHWC ${batch}×${height}×${width}×${channels}` : `NCHW ${batch}×${channels}×${height}×${width}`,
  layout,
  channels,
  rows: batch * height * width,
  shape: { shape: layout === 'channelsLast' ? [batch, height, width, channels] : [batch, channels, height, width] },
  elements: batch * channels * height * width,
});

/** The shapes every figure is given for. */
export const SHAPES: readonly BenchShape[] = [
  matrix(256, 64),
  matrix(256, 1024),
  matrix(4096, 256),
  matrix(65536, 64),
  matrix(1024, 4096),
  matrix(1_000_000, 8),
  matrix(100, 3),
  image('channelsLast', [32, 64, 56, 56]),
  image('channelsFirst', [32, 64, 56, 56]),
];

/** At least 256 MiB each: what a hardware GPU's rate is measured on, with its limits raised. */
export const LARGE_SHAPES: readonly BenchShape[] = [
  matrix(1_048_576, 64),
  matrix(8_388_608, 8),
  matrix(65_536, 1024),
  image('channelsLast', [256, 64, 64, 64]),
  image('channelsFirst', [256, 64, 64, 64]),
];
