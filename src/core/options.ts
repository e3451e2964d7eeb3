import { MAX_CHANNELS, checkCount, describe } from './shape.js';
import { optionMeant, valueMeant } from './meant.js';

/** Which variance the running statistics keep: ÷ rows, or ÷ (rows − 1). */
export type RunningVariance = 'biased' | 'unbiased';

/** What the kernels can be asked to do; each mode has calls of its own. */
export type Mode = 'train' | 'infer' | 'frozen' | 'phases';

/** What follows gamma · xHat + beta in the same pass: nothing, a ReLU, a residual added, or both in that order: max(0, … + residual). */
export type Epilogue = 'none' | 'relu' | 'add' | 'addRelu';

/** How a call says which rows count: all; a number for each row, in (batch, spatial) order, 0 where it does not; the first so many. */
export type RowMask = 'none' | 'rows' | 'count';

/** The numbers of one batch norm. */
export interface Numbers {
  /** Added to the variance inside the root; below 1.2e-38, the smallest normal f32, it counts as 0. Default 1e-5. */
  eps: number;
  /**
   * Weight of the new batch in `running ← (1 − momentum) · running + momentum · batch`, or `'cumulative'`: 1 / (batches
   * so far), which makes the running statistics the mean of all batches'. Default 0.1.
   */
  momentum: number | 'cumulative';
  /** Default `'unbiased'`, as PyTorch. A batch itself is always normalized with its biased variance. */
  runningVariance: RunningVariance;
}

export const DEFAULTS: Numbers = { eps: 1e-5, momentum: 0.1, runningVariance: 'unbiased' };

const MODES: readonly Mode[] = ['train', 'infer', 'frozen', 'phases'];
const EPILOGUES: readonly Epilogue[] = ['none', 'relu', 'add', 'addRelu'];
const MASKS: readonly RowMask[] = ['none', 'rows', 'count'];

export const hasRelu = (epilogue: Epilogue): boolean => epilogue === 'relu' || epilogue === 'addRelu';
export const hasResidual = (epilogue: Epilogue): boolean => epilogue === 'add' || epilogue === 'addRelu';
/** Whether a backward writes the residual's gradient: where it is not dy to the bit, behind a ReLU or where rows are masked. */
export const hasResidualGradient = ({ epilogue, mask }: { epilogue: Epilogue; mask: RowMask }): boolean =>
  hasResidual(epilogue) && (hasRelu(epilogue) || mask !== 'none');

/** Refuses an option nobody reads: a misspelt one would otherwise change nothing in silence. */
export function checkNames(call: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${call}: "options" is ${describe(options)}, needs an object with ${known.join(', ')}.`);
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      const meant = optionMeant(name, known);
      throw new TypeError(
        meant ? `${call}: "${name}" is not an option, needs ${meant} (so it is called here). Rename it.`
          : `${call}: "${name}" is not an option, needs one of ${known.join(', ')}. Remove or rename it.`,
      );
    }
  }
}

/** Throws unless channels, eps, momentum and running variance can be computed with. */
export function checkNumbers(call: string, options: { channels: number } & Numbers): void {
  checkCount(call, 'channels', options.channels);
  if (options.channels > MAX_CHANNELS) {
    throw new RangeError(`${call}: "channels" is ${options.channels}, needs at most ${MAX_CHANNELS} (6 words of each, indices are u32). Split them.`);
  }
  const { eps, momentum, runningVariance } = options;
  checkEps(call, eps);
  checkRunning(call, { momentum, runningVariance });
}

export function checkEps(call: string, eps: unknown): void {
  checkFinite(call, 'eps', eps);
  if ((eps as number) < 0) throw new RangeError(`${call}: "eps" is ${eps}, needs a finite number of at least 0.`);
}

/** What the running update goes by. */
export function checkRunning(call: string, { momentum, runningVariance }: Pick<Numbers, 'momentum' | 'runningVariance'>): void {
  if (momentum !== 'cumulative') checkMomentum(call, momentum);
  if (runningVariance !== 'biased' && runningVariance !== 'unbiased') {
    throw new RangeError(`${call}: "runningVariance" is ${describe(runningVariance)}, needs 'biased' or 'unbiased'.`);
  }
}

function checkMomentum(call: string, momentum: unknown): asserts momentum is number {
  if (typeof momentum === 'string' || momentum === null) {
    throw new RangeError(`${call}: "momentum" is ${describe(momentum)}, needs a number from 0 to 1, or 'cumulative'.${valueMeant(momentum, ['cumulative'])}`);
  }
  checkFinite(call, 'momentum', momentum);
  if ((momentum as number) < 0 || (momentum as number) > 1) {
    throw new RangeError(
      `${call}: "momentum" is ${momentum}, needs a number from 0 to 1 (weight of the new batch; Keras's 0.99 is 0.01 here).`,
    );
  }
}

export function checkEpilogue(call: string, epilogue: unknown): asserts epilogue is Epilogue {
  checkOneOf(call, 'epilogue', epilogue, EPILOGUES);
}

export function checkRowMask(call: string, mask: unknown): asserts mask is RowMask {
  checkOneOf(call, 'mask', mask, MASKS);
}

function checkOneOf(call: string, name: string, value: unknown, known: readonly string[]): void {
  if (!known.includes(value as string)) {
    throw new RangeError(`${call}: "${name}" is ${describe(value)}, needs one of ${known.map((each) => `'${each}'`).join(', ')}.${valueMeant(value, known)}`);
  }
}

export function checkFlag(call: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`${call}: "${name}" is ${describe(value)}, needs true or false.`);
}

export function checkModes(call: string, modes: unknown): void {
  const list = MODES.map((mode) => `'${mode}'`).join(', ');
  if (!Array.isArray(modes)) throw new TypeError(`${call}: "modes" is ${describe(modes)}, needs an array of ${list}.`);
  if (modes.length === 0) throw new RangeError(`${call}: "modes" is empty, needs at least one of ${list}.`);
  for (const mode of modes) {
    if (!MODES.includes(mode)) throw new RangeError(`${call}: "modes" holds ${describe(mode)}, needs ${list}.`);
  }
}

/** One row has no unbiased variance: rows / (rows − 1) divides by zero. */
export function checkUnbiased(call: string, rows: number, runningVariance: RunningVariance): void {
  if (rows === 1 && runningVariance === 'unbiased') {
    throw new RangeError(
      `${call}: "rows" is 1, needs at least 2 (an unbiased running variance divides by rows − 1). ` +
        `Give more rows, or use runningVariance: 'biased'.`,
    );
  }
}

/** What turns the biased batch variance into the one `runningVar` keeps. */
export function runningVarianceFactor(rows: number, runningVariance: RunningVariance): number {
  return runningVariance === 'unbiased' && rows > 1 ? rows / (rows - 1) : 1;
}

function checkFinite(call: string, name: string, value: unknown): void {
  if (typeof value !== 'number') throw new TypeError(`${call}: "${name}" is ${describe(value)}, needs a finite number.`);
  if (!Number.isFinite(Math.fround(value))) throw new RangeError(`${call}: "${name}" is ${value}, needs a finite number (f32).`);
}

/** Parts that a call may name: more would be a list no plan is made for. */
export const MAX_PARTS = 65535;
