import { random } from '../../../src/data/index.js';
import { BatchNormCpu } from './batchNormCpu.js';
import { BatchNormOp } from './batchNormOp.js';
import { type HiddenLayer, NormalizedLayer, PlainLayer } from './layers.js';
import type { NetName, Settings } from '../messages.js';
import { type Optimiser, emptyMemory } from './optimisers.js';
import { LOSSES, applyAffine, applyLinear, biasGradient, inputGradient, lossGradient, weightGradient } from './pieces.js';
import { type Place, type Tensor, dispose, download, submit, upload } from './tensors.js';

/** What decides a net's parameters. */
export interface NetShape {
  features: number;
  classes: number;
  depth: number;
  width: number;
}

export type NetSettings = Pick<Settings, 'scale' | 'fused' | 'seed' | 'batch'>;

/** Parameters of one layer: their names, as PyTorch's modules have them, and shapes. */
interface ParameterPlan {
  name: string;
  shape: number[];
}

/** The parameters of each layer in turn, the last layer's behind the hidden ones. */
export function parametersOf(kind: NetName, { features, classes, depth, width }: NetShape): ParameterPlan[][] {
  const vector = (name: string, length: number) => ({ name, shape: [length] });
  const hidden = Array.from({ length: depth }, (_, i) => {
    const weight = { name: `layers.${i}.weight`, shape: [width, i === 0 ? features : width] };
    return kind === 'plain' ? [weight, vector(`layers.${i}.bias`, width)] : [weight, vector(`norms.${i}.weight`, width), vector(`norms.${i}.bias`, width)];
  });
  return [...hidden, [{ name: `layers.${depth}.weight`, shape: [classes, width] }, vector(`layers.${depth}.bias`, classes)]];
}

export function countParameters(kind: NetName, shape: NetShape): number {
  return parametersOf(kind, shape).flat().reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

const sizeOf = (shape: number[]) => shape.reduce((size, axis) => size * axis, 1);

/** A multilayer perceptron that trains on a device, with batch norm or without. */
export class Net {
  readonly kind: NetName;
  readonly plan: ParameterPlan[][];
  readonly hidden: HiddenLayer[];
  readonly #place: Place;
  readonly #optimiser: Optimiser;
  #parameters: Tensor[][];
  #memory: Tensor[][];
  /** Of the last steps, each at its place. */
  #losses: Tensor;

  private constructor(kind: NetName, plan: ParameterPlan[][], hidden: HiddenLayer[], place: Place, optimiser: Optimiser, values: Float32Array[][]) {
    this.kind = kind;
    this.plan = plan;
    this.hidden = hidden;
    this.#place = place;
    this.#optimiser = optimiser;
    this.#parameters = plan.map((layer, i) => layer.map(({ shape }, j) => upload(values[i][j], shape, place)));
    this.#memory = emptyMemory(optimiser, plan.flat().map(({ shape }) => shape), place);
    this.#losses = upload(new Float32Array(LOSSES), [LOSSES], place);
  }

  /** Both kinds of net draw the same weights from one seed: normal, of the deviation `scale`. Gamma begins at 1, all else at 0. */
  static async create(kind: NetName, shape: NetShape, { scale, fused, seed, batch }: NetSettings, place: Place, optimiser: Optimiser): Promise<Net> {
    const plan = parametersOf(kind, shape);
    const source = random(seed);
    const values = plan.map((layer) =>
      layer.map(({ name, shape }) => {
        const isGamma = /^norms\..*weight$/.test(name);
        return Float32Array.from({ length: sizeOf(shape) }, () => (shape.length === 2 ? scale * source.normal() : isGamma ? 1 : 0));
      }),
    );
    const hidden: HiddenLayer[] = [];
    for (let i = 0; i < shape.depth; i++) {
      if (kind === 'plain') hidden.push(new PlainLayer());
      else {
        const norm = place === 'webgpu' ? await BatchNormOp.create(shape.width, fused, batch) : new BatchNormCpu(shape.width, fused);
        hidden.push(new NormalizedLayer(norm, fused));
      }
    }
    return new Net(kind, plan, hidden, place, optimiser, values);
  }

  /**
   * One step of training on a batch.
   *
   * @param x - [rows, features], stays the caller's.
   * @param targets - [rows, classes], stays the caller's.
   * @param time - the count of steps, this one among them, as an array of one; stays the caller's.
   */
  async step(x: Tensor, targets: Tensor, time: Tensor): Promise<void> {
    const last = this.hidden.length;
    let h = x.ref;
    for (const [i, layer] of this.hidden.entries()) {
      const next = await layer.forward(this.#parameters[i], h);
      h.dispose();
      h = next;
    }
    const [weight, bias] = this.#parameters[last];
    const [losses, dscores] = lossGradient(this.#losses, time.ref, applyAffine(weight.ref, bias.ref, h.ref), targets.ref);
    this.#losses = losses;
    const gradients: Tensor[][] = [];
    gradients[last] = [weightGradient(h, dscores.ref), biasGradient(dscores.ref)];
    let dy = inputGradient(weight.ref, dscores);
    for (let i = last - 1; i >= 0; i--) {
      const { gradients: own, dx } = await this.hidden[i].backward(this.#parameters[i], dy, i === 0);
      gradients[i] = own;
      if (dx) dy = dx;
    }
    const [parameters, memory] = this.#optimiser.update(this.#parameters.flat(), gradients.flat(), this.#memory, time.ref);
    this.#memory = memory;
    this.#parameters = this.plan.map((layer) => parameters.splice(0, layer.length));
    await submit([...this.#parameters.flat(), ...memory.flat(), losses], this.#place);
  }

  /** Scores of each class, [rows, classes], in evaluation. */
  async infer(x: Tensor): Promise<Tensor> {
    return this.#through(x, (layer, parameters, h) => layer.infer(parameters, h));
  }

  /** The same by the statistics of the batch itself. */
  async inferByBatch(x: Tensor): Promise<Tensor> {
    return this.#through(x, async (layer, parameters, h) => {
      const { before, after } = await layer.inspect(parameters, h);
      before.dispose();
      return after;
    });
  }

  /** What each batch norm gives in evaluation for the first row of a batch, alone and in the batch: from the same x. */
  async inferNormsAlone(x: Tensor): Promise<{ alone: Float32Array; among: Float32Array }[]> {
    const found: { alone: Float32Array; among: Float32Array }[] = [];
    const scores = await this.#through(x, async (layer, [weight, gamma, beta], h) => {
      const z = applyLinear(weight.ref, h.ref);
      const own = z.ref.slice([0, 1]);
      const [alone, among] = [await layer.norm!.infer(own, gamma, beta), await layer.norm!.infer(z, gamma, beta)];
      const width = gamma.size;
      found.push({ alone: await download(alone), among: (await download(among)).slice(0, width) });
      dispose([own, z, alone, among]);
      return layer.infer([weight, gamma, beta], h);
    });
    scores.dispose();
    return found;
  }

  /** What each ReLU sees of a batch in training. */
  async activations(x: Tensor): Promise<Float32Array[]> {
    const seen: Tensor[] = [];
    const scores = await this.#through(x, async (layer, parameters, h) => {
      const { before, after } = await layer.inspect(parameters, h);
      seen.push(before);
      return after;
    });
    scores.dispose();
    const values = await Promise.all(seen.map(download));
    dispose(seen);
    return values;
  }

  /**
   * The losses of the steps from one to another, both counted from 1 and among them.
   *
   * @param from - at most LOSSES before `to`, the last step taken.
   */
  async losses(from: number, to: number): Promise<Float32Array> {
    const all = await download(this.#losses);
    return Float32Array.from({ length: to - from + 1 }, (_, i) => all[(from + i) % LOSSES]);
  }

  /** Values of all parameters and of what the optimiser remembers of each, layer by layer. */
  async read(): Promise<{ parameters: Float32Array[][]; memory: Float32Array[][] }> {
    const readAll = (tensors: Tensor[][]) => Promise.all(tensors.map((own) => Promise.all(own.map(download))));
    const [parameters, memory] = await Promise.all([readAll(this.#parameters), readAll(this.#memory)]);
    return { parameters, memory };
  }

  write({ parameters, memory }: { parameters: Float32Array[][]; memory: Float32Array[][] }): void {
    dispose([...this.#parameters.flat(), ...this.#memory.flat()]);
    const flat = this.plan.flat();
    this.#parameters = this.plan.map((layer, i) => layer.map(({ shape }, j) => upload(parameters[i][j], shape, this.#place)));
    this.#memory = memory.map((own, i) => own.map((values) => upload(values, flat[i].shape, this.#place)));
  }

  dispose(): void {
    dispose([...this.#parameters.flat(), ...this.#memory.flat(), this.#losses]);
    for (const layer of this.hidden) layer.dispose();
  }

  async #through(x: Tensor, apply: (layer: HiddenLayer, parameters: Tensor[], h: Tensor) => Promise<Tensor>): Promise<Tensor> {
    let h = x.ref;
    for (const [i, layer] of this.hidden.entries()) {
      const next = await apply(layer, this.#parameters[i], h);
      h.dispose();
      h = next;
    }
    const [weight, bias] = this.#parameters[this.hidden.length];
    return applyAffine(weight.ref, bias.ref, h);
  }
}
