import type { Place } from './layout.js';
import { type GraphNode, LAST_STEP, type Name, OPERATIONS, backStep, nodeOf } from './nodes.js';
import { nodeAt, phaseOf } from './steps.js';
import type { Trace } from './trace.js';

/** What of a node is known at a step. */
export interface NodeState {
  value: Float64Array | null;
  /** What has come back so far. */
  gradient: Float64Array | null;
  /** Of how many uses, and of how many there are: until all have, the gradient is not complete. */
  arrived: number;
  expected: number;
  current: boolean;
}

export function nodeState(trace: Trace, { name, step: computed }: GraphNode, step: number): NodeState {
  if (phaseOf(step) === 'closed') {
    const gradient = { x: trace.closed.dx, gamma: trace.closed.dgamma, beta: trace.closed.dbeta, y: trace.inputs.dy }[name as string] ?? null;
    return { value: trace.values[name], gradient, arrived: 1, expected: 1, current: false };
  }
  const parts = trace.parts[name];
  const arrived = parts.filter(({ through }) => returned(through, step)).length;
  const complete = name === 'y' ? step > OPERATIONS : arrived === parts.length;
  return {
    value: step >= computed ? trace.values[name] : null,
    gradient: complete ? trace.gradients[name] : arrived > 0 ? parts[0].gradient : null,
    arrived,
    expected: parts.length,
    current: nodeAt(step)?.name === name,
  };
}

/** What goes along an edge at a step: nothing yet, a value or a gradient; `now` while the step does it. */
export interface EdgeState {
  carries: 'nothing' | 'value' | 'gradient';
  now: boolean;
}

export function edgeState({ from, to }: { from: Place; to: Place }, step: number): EdgeState {
  if (phaseOf(step) === 'closed') return { carries: from === 'mean' || from === 'invStd' ? 'value' : 'gradient', now: false };
  const user = to as Name;
  const now = nodeAt(step)?.name === user;
  if (returned(user, step)) return { carries: 'gradient', now };
  return { carries: step >= stepsOf(user).forward ? 'value' : 'nothing', now };
}

/** The part of a gradient that an edge has brought back, where its node waits for two. */
export function arrivedPart(trace: Trace, { from, to }: { from: Place; to: Place }, step: number): Float64Array | null {
  if (phaseOf(step) === 'closed') return null;
  const parts = trace.parts[from as Name];
  if (parts.length < 2 || !returned(to as Name, step)) return null;
  return parts.find(({ through }) => through === to)!.gradient;
}

function returned(user: Name, step: number): boolean {
  return step >= stepsOf(user).back;
}

function stepsOf(name: Name): { forward: number; back: number } {
  const node = nodeOf(name);
  return { forward: node.step, back: node.step === 0 ? LAST_STEP : backStep(node) };
}
