import type { BatchNormOperation } from './operation.js';
import { applyAffine, applyLinear, biasGradient, inputGradient, relu, reluGradient, weightGradient } from './pieces.js';
import { type Tensor, dispose } from './tensors.js';

/** A linear layer and its ReLU, with or without a batch norm between. Parameters and arguments stay the caller's. */
export interface HiddenLayer {
  readonly norm: BatchNormOperation | null;
  /** What goes to the next layer; keeps what `backward` needs. */
  forward(parameters: Tensor[], x: Tensor): Promise<Tensor>;
  /** Gradients of the parameters, in their order, and of x unless it is data. Consumes dy. */
  backward(parameters: Tensor[], dy: Tensor, isFirst: boolean): Promise<{ gradients: Tensor[]; dx: Tensor | null }>;
  /** `forward` in evaluation: keeps nothing. */
  infer(parameters: Tensor[], x: Tensor): Promise<Tensor>;
  /** What the ReLU sees in training, and gives; keeps nothing. */
  inspect(parameters: Tensor[], x: Tensor): Promise<{ before: Tensor; after: Tensor }>;
  dispose(): void;
}

/** x → x · weightᵀ → batch norm → ReLU. The linear layer has no bias: the batch norm would take it out again. */
export class NormalizedLayer implements HiddenLayer {
  readonly norm: BatchNormOperation;
  /** Whether the batch norm's kernels take the ReLU along. */
  readonly #fused: boolean;
  /** Of the last forward: into the linear layer, out of it, and into the ReLU where that is an operation of its own. */
  #kept: { x: Tensor; z: Tensor; y: Tensor | null } | null = null;

  constructor(norm: BatchNormOperation, fused: boolean) {
    this.norm = norm;
    this.#fused = fused;
  }

  async forward([weight, gamma, beta]: Tensor[], x: Tensor): Promise<Tensor> {
    const z = applyLinear(weight.ref, x.ref);
    const y = await this.norm.forward(z, gamma, beta);
    this.#keep({ x: x.ref, z, y: this.#fused ? null : y.ref });
    return this.#fused ? y : relu(y);
  }

  async backward([weight, gamma, beta]: Tensor[], dy: Tensor, isFirst: boolean) {
    const { x, z, y } = this.#kept!;
    const dnorm = y ? reluGradient(y.ref, dy) : dy;
    const { dx: dz, dgamma, dbeta } = await this.norm.backward(z, dnorm, gamma, beta);
    dnorm.dispose();
    const dweight = weightGradient(x.ref, dz.ref);
    const dx = isFirst ? null : inputGradient(weight.ref, dz.ref);
    dz.dispose();
    this.#keep(null);
    return { gradients: [dweight, dgamma, dbeta], dx };
  }

  async infer([weight, gamma, beta]: Tensor[], x: Tensor): Promise<Tensor> {
    const z = applyLinear(weight.ref, x.ref);
    const y = await this.norm.infer(z, gamma, beta);
    z.dispose();
    return this.#fused ? y : relu(y);
  }

  async inspect([weight, gamma, beta]: Tensor[], x: Tensor) {
    const z = applyLinear(weight.ref, x.ref);
    const before = await this.norm.normalize(z, gamma, beta);
    z.dispose();
    return { before, after: relu(before.ref) };
  }

  dispose(): void {
    this.#keep(null);
    this.norm.dispose();
  }

  #keep(next: { x: Tensor; z: Tensor; y: Tensor | null } | null): void {
    for (const tensor of Object.values(this.#kept ?? {})) tensor?.dispose();
    this.#kept = next;
  }
}

/** x → x · weightᵀ + bias → ReLU */
export class PlainLayer implements HiddenLayer {
  readonly norm = null;
  /** Of the last forward: into the linear layer, and out of it. */
  #kept: { x: Tensor; z: Tensor } | null = null;

  async forward([weight, bias]: Tensor[], x: Tensor): Promise<Tensor> {
    const z = applyAffine(weight.ref, bias.ref, x.ref);
    this.#keep({ x: x.ref, z });
    return relu(z.ref);
  }

  async backward([weight]: Tensor[], dy: Tensor, isFirst: boolean) {
    const { x, z } = this.#kept!;
    const dz = reluGradient(z.ref, dy);
    const dweight = weightGradient(x.ref, dz.ref);
    const dx = isFirst ? null : inputGradient(weight.ref, dz.ref);
    this.#keep(null);
    return { gradients: [dweight, biasGradient(dz)], dx };
  }

  async infer([weight, bias]: Tensor[], x: Tensor): Promise<Tensor> {
    return relu(applyAffine(weight.ref, bias.ref, x.ref));
  }

  async inspect([weight, bias]: Tensor[], x: Tensor) {
    const before = applyAffine(weight.ref, bias.ref, x.ref);
    return { before, after: relu(before.ref) };
  }

  dispose(): void {
    this.#keep(null);
  }

  #keep(next: { x: Tensor; z: Tensor } | null): void {
    if (this.#kept) dispose(Object.values(this.#kept));
    this.#kept = next;
  }
}
