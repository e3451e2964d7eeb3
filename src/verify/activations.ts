import type { Activation, ActivationName } from '../core/activations.js';

type Formula = (z: number, low: number) => [value: number, slope: number];

/** f(z) and f′(z) as the papers have them, apart from those that are judged; of a NaN, which is on neither side of a kink, NaN. */
const FORMULAS: Record<ActivationName, Formula> = {
  none: (z) => [z, 1],
  relu: (z) => (z > 0 ? [z, 1] : z <= 0 ? [0, 0] : [NaN, NaN]),
  leakyRelu: (z, low) => (z > 0 ? [z, 1] : z <= 0 ? [low * z, low] : [NaN, NaN]),
  relu6: (z) => (z > 0 ? (z < 6 ? [z, 1] : [6, 0]) : z <= 0 ? [0, 0] : [NaN, NaN]),
  silu: (z) => {
    const e = Math.exp(-z);
    return [z / (1 + e), (1 + e + z * e) / (1 + e) ** 2];
  },
  hardSwish: (z) => (z > 3 ? [z, 1] : z < -3 ? [0, 0] : [(z * z + 3 * z) / 6, (2 * z + 3) / 6]),
  gelu: (z) => {
    const e = Math.exp(-Math.sqrt(8 / Math.PI) * (z + 0.044715 * z ** 3));
    return [z / (1 + e), 1 / (1 + e) + (z * e * Math.sqrt(8 / Math.PI) * (1 + 0.134145 * z ** 2)) / (1 + e) ** 2];
  },
};

/** The formula of a named activation. */
export function formulaOf(activation: Activation): (z: number) => [value: number, slope: number] {
  const name = (typeof activation === 'string' ? activation : activation.name) as ActivationName;
  const low = typeof activation === 'object' && 'slope' in activation ? Math.fround(activation.slope) : 0.01;
  return (z) => FORMULAS[name](z, low);
}
