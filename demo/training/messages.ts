import type { AdapterDescription } from '../../src/index.js';

export type DataName = 'spiral' | 'digits' | 'own';
export type OptimiserName = 'sgd' | 'momentum' | 'adam';

/** All that a run depends on besides the visitor's own data: the same settings give the same run on the same device. */
export interface Settings {
  data: DataName;
  backend: 'gpu' | 'cpu';
  /** Hidden layers. */
  depth: number;
  /** Channels of each. */
  width: number;
  /** Rows of a training step. */
  batch: number;
  rate: number;
  /** Deviation of the initial weights. */
  scale: number;
  optimiser: OptimiserName;
  /** Whether the ReLU runs inside the batch norm's kernels (`activation: 'relu'`) or as an operation of its own. */
  fused: boolean;
  seed: number;
}

/** Rows to train on and rows held out. Values are row by row; labels are 0 … classes − 1. */
export interface DataSet {
  name: string;
  features: number;
  classes: number;
  /** What the classes are called. */
  labels: string[];
  train: { values: Float32Array; labels: Uint8Array };
  test: { values: Float32Array; labels: Uint8Array };
}

export type NetName = 'batchNorm' | 'plain';
export type Both<T> = Record<NetName, T>;

export type Command =
  /** Builds both nets anew and pauses before the first step. `own` is the visitor's data, where settings.data is 'own'. */
  | { kind: 'start'; settings: Settings; own?: DataSet }
  /** Trains until `pause`, or until so many steps have been taken in all. */
  | { kind: 'run'; until?: number }
  | { kind: 'pause' }
  | { kind: 'step' }
  /** Trains pairs of nets from the start, one after the other, `steps` each; the nets on show stay as they are. */
  | { kind: 'sweep'; scales: number[]; steps: number }
  | { kind: 'stopSweep' }
  /** Tests the net with batch norm by batches of these sizes, with running statistics and with each batch's own. */
  | { kind: 'testBatches'; sizes: number[] }
  /** Evaluates one held-out example alone and within a batch. */
  | { kind: 'testOne'; row: number }
  | { kind: 'save' }
  | { kind: 'load'; text: string };

/** What a net does on a set of rows, evaluated with running statistics. */
export interface Score {
  loss: number;
  /** Share of the rows, 0 to 1. */
  accuracy: number;
}

/** Counts of values in equal bins from `low` to `high`; values beyond are in the outermost, what is not finite is in none. */
export interface Histogram {
  low: number;
  high: number;
  counts: number[];
  /** Of the values, NaN where one is not finite. */
  mean: number;
  deviation: number;
}

/**
 * A hidden layer as it stands. Activations are those of training rows, behind the batch norm (by the statistics of these rows) or the
 * linear layer, and before the ReLU.
 */
export interface LayerPicture {
  activations: Both<Histogram>;
  gamma: number[];
  beta: number[];
  runningMean: number[];
  runningVar: number[];
}

/** The classes over the plane, row by row from the top; the spiral's. */
export interface Regions {
  size: number;
  /** The plane shown is [−extent, extent]². */
  extent: number;
  classes: Both<Uint8Array>;
}

/** The rows to train on that lie in the plane, at most 2000 of them: [rows, 2] values and as many labels. */
export interface Points {
  values: Float32Array;
  labels: Uint8Array;
}

/** A held-out row that a net takes for another class. */
export interface WrongExample {
  row: number;
  label: number;
  predicted: number;
  /** 16 × 16 pixels from the top left, 0 paper to 1 ink; digits only. */
  image?: Float32Array;
}

/** A trained net as text: JSON with settings, PyTorch's names and shapes. */
export interface SavedNet {
  file: string;
  text: string;
}

/** To a page; what a command brings comes in this order: start → opened, built, scores, pictures, paused. */
export type News =
  | { kind: 'opened'; backend: 'gpu' | 'cpu'; reason: string; adapter: AdapterDescription | null; library: string }
  | {
      kind: 'built'; settings: Settings; trainRows: number; testRows: number; features: number; classes: number; labels: string[];
      parameters: Both<number>; points?: Points;
    }
  /** A few times a second: what the training batches lost since the last news of progress, each step and the mean. */
  | { kind: 'progress'; step: number; losses: Both<Float32Array>; loss: Both<number>; stepMilliseconds: number; examplesPerSecond: number }
  /**
   * More rarely: the held-out rows, and what there is to see. `settled` is whether less than 1 % of the running statistics is
   * what they began with.
   */
  | { kind: 'scores'; step: number; test: Both<Score>; settled: boolean }
  | { kind: 'pictures'; step: number; layers: LayerPicture[]; regions?: Regions; wrong?: Both<WrongExample[]> }
  /** After `pause`, after the last step of a `run` or `step`, before a sweep. */
  | { kind: 'paused'; step: number }
  | { kind: 'sweepProgress'; done: number; of: number }
  | { kind: 'sweepPoint'; scale: number; scores: Both<Score> }
  | { kind: 'sweepDone'; stopped: boolean }
  | { kind: 'testedBatches'; rows: { size: number; running: Score; own: Score }[] }
  /** Alone and in a batch: the largest difference of the scores of the classes, and of what the batch norms alone give. */
  | { kind: 'testedOne'; row: number; label: number; predicted: number; largestDifference: number; largestNormDifference: number }
  | { kind: 'saved'; net: SavedNet }
  /** Behind it come built, scores, pictures and paused, as after `start`. */
  | { kind: 'loaded'; step: number; settings: Settings }
  /** The device is gone, and this worker with it: end it and begin another. */
  | { kind: 'lost'; why: string }
  /** A command that could not be carried out; what ran before it stays as it was. */
  | { kind: 'refused'; command: Command['kind']; message: string }
  /** The worker cannot go on. */
  | { kind: 'error'; message: string };
