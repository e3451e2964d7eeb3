// Optimisers as jitted updates: [parameters, gradients, memory] → [parameters, memory], all parameters of a net at once.
import { jit, numpy as np } from '@jax-js/jax';
import type { OptimiserName } from '../messages.js';
import { type Place, type Tensor, upload } from './tensors.js';

export interface Optimiser {
  /** What it remembers for each parameter: so many arrays of its shape. */
  readonly memories: number;
  /** Consumes all it is given. `time` counts steps from 1, as an array of one. */
  update(parameters: Tensor[], gradients: Tensor[], memory: Tensor[][], time: Tensor): [Tensor[], Tensor[][]];
}

/** PyTorch's, and Keras's. */
const MOMENTUM = 0.9;
/** Kingma & Ba 2015 (arXiv:1412.6980), Algorithm 1, with its constants. */
const ADAM = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };

type Rule = (parameter: Tensor, gradient: Tensor, memory: Tensor[], time: Tensor) => [Tensor, ...Tensor[]];

const RULES: Record<OptimiserName, { memories: number; rule: (rate: number) => Rule }> = {
  sgd: { memories: 0, rule: (rate) => (parameter, gradient) => [parameter.sub(gradient.mul(rate))] },
  momentum: {
    memories: 1,
    rule: (rate) => (parameter, gradient, [velocity]) => {
      const next = velocity.mul(MOMENTUM).add(gradient);
      return [parameter.sub(next.ref.mul(rate)), next];
    },
  },
  adam: {
    memories: 2,
    rule: (rate) => (parameter, gradient, [mean, square], time) => {
      const { beta1, beta2, eps } = ADAM;
      const nextMean = mean.mul(beta1).add(gradient.ref.mul(1 - beta1));
      const nextSquare = square.mul(beta2).add(np.square(gradient).mul(1 - beta2));
      const unbiased = (value: Tensor, beta: number) => value.ref.div(np.exp(time.ref.mul(Math.log(beta))).neg().add(1));
      const step = unbiased(nextMean, beta1).div(np.sqrt(unbiased(nextSquare, beta2)).add(eps));
      return [parameter.sub(step.mul(rate)), nextMean, nextSquare];
    },
  },
};

export function optimiserOf(name: OptimiserName, rate: number): Optimiser {
  const { memories, rule } = RULES[name];
  const each = rule(rate);
  const update = jit((parameters: Tensor[], gradients: Tensor[], memory: Tensor[][], time: Tensor) => {
    const next = parameters.map((parameter, i) => each(parameter, gradients[i], memory[i], time));
    time.dispose();
    return [next.map(([parameter]) => parameter), next.map(([, ...memory]) => memory)];
  });
  return { memories, update: update as unknown as Optimiser['update'] };
}

/** How many arrays an optimiser remembers for each parameter. */
export const memoriesOf = (name: OptimiserName): number => RULES[name].memories;

export function emptyMemory({ memories }: Optimiser, shapes: number[][], place: Place): Tensor[][] {
  return shapes.map((shape) => Array.from({ length: memories }, () => upload(new Float32Array(shape.reduce((size, axis) => size * axis)), shape, place)));
}
