import { ACTIVATION_NAMES, resolveActivation } from '../core/activations.js';
import type { Storage } from '../core/storage.js';
import { type AdapterClass, DEFAULTS, type RowMask } from '../core/options.js';
import type { PlanLimits } from '../plan/tiles.js';
import { pairs } from './pairs.js';
import { type KernelSettings, resolveOperations, variantsOf } from '../kernels/operations.js';
import { type Variant, variantKey } from '../shader/kernels.js';

const AXES = {
  storage: ['f32', 'f16', 'bf16'] as Storage[],
  activation: ACTIVATION_NAMES,
  residual: [false, true],
  mask: ['none', 'rows', 'count'] as RowMask[],
  inPlace: [false, true],
  gamma: [true, false],
  beta: [true, false],
  momentum: [0.1, 'cumulative'] as (number | 'cumulative')[],
};

type Options = { [K in keyof typeof AXES]: (typeof AXES)[K][number] };

/** Texts that three options at once bring about: nine buffers in a frozen backward, and one with nothing to learn. */
const TRIPLES: Options[] = [
  { storage: 'f32', activation: 'relu', residual: true, mask: 'rows', inPlace: false, gamma: true, beta: true, momentum: 0.1 },
  { storage: 'f16', activation: 'relu', residual: true, mask: 'none', inPlace: true, gamma: false, beta: false, momentum: 0.1 },
];

/** Rows of options in which every two values of two options meet, and those. */
export const optionPairs = (): Options[] => [...pairs(AXES), ...TRIPLES];

/** Every text there is, each pair of options together: what has to compile wherever the library runs. */
export function allVariants(adapterClass: AdapterClass, limits: PlanLimits & { readonly maxStorageBuffersPerShaderStage: number }): Variant[] {
  const shapes = [
    { layout: 'channelsLast', channels: 3 },
    { layout: 'channelsLast', channels: 4 },
    { layout: 'channelsFirst', channels: 3 },
  ] as const;
  const variants = shapes.flatMap((shape) =>
    optionPairs().flatMap(({ activation, ...choice }) => {
      const settings: KernelSettings = {
        ...DEFAULTS, ...shape, ...choice, activation: resolveActivation('', activation), adapterClass, plan: undefined, limits: undefined, onError: undefined,
      };
      const operations = resolveOperations(settings, ['train', 'infer', 'frozen', 'phases'], limits.maxStorageBuffersPerShaderStage);
      return operations.flatMap((resolved) => variantsOf(resolved, limits));
    }),
  );
  return [...new Map(variants.map((variant) => [variantKey(variant), variant])).values()];
}
