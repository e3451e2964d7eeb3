// The training that every worker runs: on its share of each batch with an exchange, or on whole batches without one.
// It knows neither page nor worker.
import { type Random, random } from '../../src/data/index.js';
import { type Backend, BatchNorm, type Exchange } from '../../src/index.js';
import { linear, linearByInput, linearByWeight, softmaxLoss } from './net.js';

/** Rows of a batch. */
export const BATCH = 96;
/** Channels of the batch norm. */
export const HIDDEN = 32;
const ARMS = 3;
const RATE = 0.5;

/** The rows of each batch that are a worker's, `to` not among them. */
export interface Share {
  from: number;
  to: number;
}

export interface TrainOptions {
  seed: number;
  steps: number;
  /** Hears the whole batch's loss of each step. */
  onStep?: (loss: number) => void;
}

/** What a training leaves; the workers of one exchange all have the same. */
export interface Trained {
  gamma: Float32Array;
  beta: Float32Array;
  runningMean: Float32Array;
  runningVar: Float32Array;
  /** Of both linear layers. */
  weights: Float32Array;
  /** Of the whole batch, one a step. */
  loss: Float64Array;
}

/**
 * Trains linear → batch norm → ReLU → linear → softmax by gradient descent to tell the arms of a spiral apart.
 *
 * @param exchange - with the workers that have the other shares; null where this one has whole batches.
 */
export async function train(backend: Backend, { from, to }: Share, exchange: Exchange | null, { seed, steps, onStep }: TrainOptions): Promise<Trained> {
  const layer = await BatchNorm.create(backend, { channels: HIDDEN, activation: 'relu', synchronized: exchange !== null, shapes: [[to - from, HIDDEN]] });
  const source = random(seed); // every worker draws the same weights and the same batches
  const weights = Float32Array.from({ length: WEIGHTS }, () => 0.5 * source.normal());
  const { first, second, bias } = viewsOf(weights);
  const gradients = new Float32Array(WEIGHTS + 1); // behind them the loss, a sum over the rows as they are
  const d = viewsOf(gradients);
  const gamma = await layer.gamma!.read();
  const beta = await layer.beta!.read();
  const x = backend.empty([to - from, HIDDEN]);
  const dy = backend.empty([to - from, HIDDEN]);
  const loss = new Float64Array(steps);

  for (let step = 0; step < steps; step++) {
    const batch = drawSpiral(source, BATCH);
    const points = batch.points.subarray(2 * from, 2 * to);
    const labels = batch.labels.subarray(from, to);

    x.write(linear(points, first, HIDDEN));
    const y = exchange ? await layer.forwardSynchronized(x, exchange) : layer.forward(x);
    const hidden = await y.read();
    const own = softmaxLoss(linear(hidden, second, ARMS, bias), labels, BATCH);

    dy.write(linearByInput(own.dscores, second, ARMS));
    const dx = exchange ? await layer.backwardSynchronized(dy, exchange) : layer.backward(dy);
    const [dpoints, dgamma, dbeta] = await Promise.all([dx.read(), layer.dgamma!.read(), layer.dbeta!.read()]);
    linearByWeight(points, dpoints, HIDDEN, d.first);
    linearByWeight(hidden, own.dscores, ARMS, d.second);
    linearByWeight(new Float32Array(to - from).fill(1), own.dscores, ARMS, d.bias);
    gradients[WEIGHTS] = own.loss;
    if (exchange) addUp(gradients, await exchange(new Uint32Array(gradients.buffer)));

    descend(weights, gradients);
    descend(gamma, dgamma); // these two are of all parts already
    descend(beta, dbeta);
    layer.gamma!.write(gamma);
    layer.beta!.write(beta);
    loss[step] = gradients[WEIGHTS];
    onStep?.(loss[step]);
  }

  const runningMean = await layer.runningMean!.read();
  const runningVar = await layer.runningVar!.read();
  for (const made of [layer, x, dy]) made.dispose();
  return { gamma, beta, runningMean, runningVar, weights, loss };
}

/** Both linear layers' weights and the second's bias; a bias before the batch norm would be subtracted again. */
const WEIGHTS = 2 * HIDDEN + HIDDEN * ARMS + ARMS;

/** All weights stand in one array, so that one exchange carries them all. */
function viewsOf(weights: Float32Array) {
  const [second, bias] = [2 * HIDDEN, 2 * HIDDEN + HIDDEN * ARMS];
  return { first: weights.subarray(0, second), second: weights.subarray(second, bias), bias: weights.subarray(bias, WEIGHTS) };
}

/** sum = Σ parts, in the same order for every worker: the same to the bit. */
function addUp(sum: Float32Array, parts: readonly Uint32Array[]): void {
  const floats = parts.map((part) => new Float32Array(part.buffer));
  for (let i = 0; i < sum.length; i++) sum[i] = floats.reduce((total, part) => total + part[i], 0);
}

function descend(weights: Float32Array, gradients: Float32Array): void {
  for (let i = 0; i < weights.length; i++) weights[i] -= RATE * gradients[i];
}

/** Fresh points on the arms of a spiral in the plane, after CS231n's. */
function drawSpiral(source: Random, rows: number): { points: Float32Array; labels: Uint8Array } {
  const labels = Uint8Array.from({ length: rows }, (_, row) => row % ARMS);
  const points = new Float32Array(2 * rows);
  labels.forEach((arm, row) => {
    const radius = source.uniform();
    const angle = 4 * (arm + radius) + 0.2 * source.normal();
    points.set([radius * Math.sin(angle), radius * Math.cos(angle)], 2 * row);
  });
  return { points, labels };
}
