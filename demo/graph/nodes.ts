/** The nodes of the graph, by the name of their value, as `backwardStaged` has them. */
export type Name = 'x' | 'mean' | 'centered' | 'squared' | 'variance' | 'std' | 'invStd' | 'xHat' | 'gamma' | 'scaled' | 'beta' | 'y';

export interface GraphNode {
  name: Name;
  /** Which of the nine forward steps computes it; 0 for what is given. */
  step: number;
  /** How, in plain text. */
  formula: string;
  /** Whether it has rows·channels values, or one a column. */
  matrix: boolean;
  /** What it is computed from. */
  from: readonly Name[];
}

/** In the order in which they are computed. */
export const NODES: readonly GraphNode[] = [
  { name: 'x', step: 0, formula: 'given', matrix: true, from: [] },
  { name: 'mean', step: 1, formula: 'Σ x / rows', matrix: false, from: ['x'] },
  { name: 'centered', step: 2, formula: 'x − mean', matrix: true, from: ['x', 'mean'] },
  { name: 'squared', step: 3, formula: 'centered²', matrix: true, from: ['centered'] },
  { name: 'variance', step: 4, formula: 'Σ squared / rows', matrix: false, from: ['squared'] },
  { name: 'std', step: 5, formula: '√(variance + eps)', matrix: false, from: ['variance'] },
  { name: 'invStd', step: 6, formula: '1 / std', matrix: false, from: ['std'] },
  { name: 'xHat', step: 7, formula: 'centered · invStd', matrix: true, from: ['centered', 'invStd'] },
  { name: 'gamma', step: 0, formula: 'given', matrix: false, from: [] },
  { name: 'scaled', step: 8, formula: 'gamma · xHat', matrix: true, from: ['gamma', 'xHat'] },
  { name: 'beta', step: 0, formula: 'given', matrix: false, from: [] },
  { name: 'y', step: 9, formula: 'scaled + beta', matrix: true, from: ['scaled', 'beta'] },
];

/** Nine steps forward, nine back. */
export const OPERATIONS = 9;
/** The step that shows the closed form; 0 shows what is given. */
export const LAST_STEP = 2 * OPERATIONS + 1;

export function nodeOf(name: Name): GraphNode {
  return NODES.find((node) => node.name === name)!;
}

/** The node that the forward step `step` computes. */
export function computedAt(step: number): GraphNode {
  return NODES.find((node) => node.step === step)!;
}

/** The step in which the gradient flows back through this node, 10 to 18. */
export function backStep({ step }: GraphNode): number {
  return LAST_STEP - step;
}

/** The nodes that use this one's value. Where there are two, their gradients add up. */
export function usesOf(name: Name): GraphNode[] {
  return NODES.filter(({ from }) => from.includes(name));
}
