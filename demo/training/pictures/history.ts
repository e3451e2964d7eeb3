/** Of the channels of a layer. */
export interface Spread {
  least: number;
  low: number;
  median: number;
  high: number;
  most: number;
}

const MOST = 300;

export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort(); // NaN last
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    return sorted[below] + (place - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
  };
  return { least: at(0), low: at(0.25), median: at(0.5), high: at(0.75), most: at(1) };
}

/** How the values of the channels have moved; of many moments every other is let go. */
export class SpreadHistory {
  #moments: { step: number; spread: Spread }[] = [];

  push(step: number, values: readonly number[]): Spread {
    const spread = spreadOf(values);
    if (this.#moments.at(-1)?.step === step) this.#moments.pop();
    this.#moments.push({ step, spread });
    if (this.#moments.length > MOST) this.#moments = this.#moments.filter((_, i) => i % 2 === 0 || i === this.#moments.length - 1);
    return spread;
  }

  get moments(): readonly { step: number; spread: Spread }[] {
    return this.#moments;
  }
}
