import type { Backend } from '../backend/backend.js';

/** A property that is no table of numbers. Gives what it saw; throws, with what it saw, when it does not hold. */
export interface Check {
  name: string;
  /** Only where there is a GPU. */
  gpu?: true;
  run(backend: Backend, seed: number, plain: boolean): Promise<string>;
}
