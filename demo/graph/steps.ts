import { texNumber, texOperand } from './format.js';
import { type GraphNode, LAST_STEP, type Name, OPERATIONS, backStep, computedAt, nodeOf } from './nodes.js';
import type { Trace } from './trace.js';

export type Phase = 'given' | 'forward' | 'backward' | 'closed';

/** One line of a step, as TeX. */
export interface Line {
  /** The local derivative; forward steps have none. */
  local?: string;
  formula: string;
  /** The right side with the numbers of the chosen element, and what comes out. */
  numbers: string;
  /** What comes out. */
  value: number;
}

/** What one step does, for one chosen element. */
export interface Step {
  phase: Phase;
  /** The node it goes through. */
  node: GraphNode | null;
  title: string;
  words: string;
  lines: Line[];
}

export function phaseOf(step: number): Phase {
  if (step === 0) return 'given';
  if (step === LAST_STEP) return 'closed';
  return step <= OPERATIONS ? 'forward' : 'backward';
}

/** The node that this step goes through. */
export function nodeAt(step: number): GraphNode | null {
  const phase = phaseOf(step);
  if (phase === 'forward') return computedAt(step);
  return phase === 'backward' ? computedAt(LAST_STEP - step) : null;
}

/** What a step is called. */
export function titleOf(step: number): string {
  const node = nodeAt(step);
  if (!node) return step === 0 ? 'What is given' : 'The closed form';
  return phaseOf(step) === 'forward'
    ? `Forward, ${node.step} of ${OPERATIONS}: ${node.name} = ${node.formula}`
    : `Backward, ${step - OPERATIONS} of ${OPERATIONS}: through ${node.name} = ${node.formula}`;
}

export function stepOf(step: number, trace: Trace, row: number, column: number): Step {
  const phase = phaseOf(step);
  const node = nodeAt(step);
  const element = new Element(trace, row, column);
  const lines =
    phase === 'closed' ? closedLines(element) : phase === 'given' ? [] : phase === 'forward' ? [FORWARD[node!.name]!(element)] : BACKWARD[node!.name]!(element);
  const words = node ? (phase === 'forward' ? FORWARD_WORDS : BACKWARD_WORDS)[node.name]! : phase === 'given' ? GIVEN_WORDS : CLOSED_WORDS;
  return { phase, node, title: titleOf(step), words, lines };
}

const GIVEN_WORDS =
  'x, gamma, beta and eps, which you can edit below, and dy: the gradient of some loss by y. Each of nine steps forward is one operation; ' +
  'each of nine steps back multiplies the gradient that comes in by the derivative of that operation.';
const CLOSED_WORDS =
  'Put into each other, the nine steps back shorten to three formulas. Of the forward pass they need x, mean and invStd only, and the numbers are the same.';

const FORWARD_WORDS: Partial<Record<Name, string>> = {
  mean: 'The mean of each column over the rows.',
  centered: 'x is used a second time here: on the way back its two gradients will add up.',
  squared: 'The first of two uses of centered.',
  variance: 'The biased variance of each column: divided by the rows, not by one less.',
  std: 'eps keeps the root away from 0, where it has no derivative.',
  invStd: 'One division a column; the rows only multiply.',
  xHat: 'The second use of centered. Each column now has mean 0 and, but for eps, deviation 1.',
  scaled: 'The learned scale of each column.',
  y: 'The learned shift of each column, and the result.',
};

const BACKWARD_WORDS: Partial<Record<Name, string>> = {
  y: 'A sum hands on the gradient as it is. beta was added to every row of its column, so its gradients of all rows add up.',
  scaled: 'A product gives each factor the gradient times the other factor. gamma stood in every row of its column: a sum again.',
  xHat: 'Again a product. centered gets the first of its two gradients here; the other comes through the variance.',
  invStd: 'The derivative of 1 / std.',
  std: 'The derivative of the root.',
  variance: 'Every row took part in the mean of the squares alike, so each gets the same share.',
  squared: 'The second gradient of centered. It is used twice, so its two gradients add up.',
  centered: 'A difference: x gets the gradient as it is, the first of its two, and the mean gets it from every row, with the sign turned.',
  mean: 'Every row took part in the mean alike. This is the second gradient of x, and with it dx is complete.',
};

const SYMBOLS: Partial<Record<Name, string>> = { x: 'x', xHat: '\\hat{x}', gamma: '\\gamma', beta: '\\beta', y: 'y' };

function symbol(name: Name): string {
  return `${SYMBOLS[name] ?? `\\text{${name}}`}${indexOf(name)}`;
}

/** @param part - which of two gradients that add up. */
function gradientSymbol(name: Name, part?: number): string {
  return `${SYMBOLS[name] ? `\\text{d}${SYMBOLS[name]}` : `\\text{d${name}}`}${part ? `^{(${part})}` : ''}${indexOf(name)}`;
}

function indexOf(name: Name): string {
  return nodeOf(name).matrix ? '_{ic}' : '_{c}';
}

/** The numbers of one element, and of its column. */
class Element {
  readonly rows: number;
  readonly #channels: number;

  constructor(readonly trace: Trace, readonly row: number, readonly column: number) {
    this.rows = trace.inputs.rows;
    this.#channels = trace.inputs.channels;
  }

  at(array: Float64Array): number {
    return array.length === this.#channels ? array[this.column] : array[this.row * this.#channels + this.column];
  }

  value(name: Name): number {
    return this.at(this.trace.values[name]);
  }

  gradient(name: Name): number {
    return this.at(this.trace.gradients[name]);
  }

  part(name: Name, which: number): number {
    return this.at(this.trace.parts[name][which].gradient);
  }

  /** An expression in i, written out for every row of the column. */
  sum(term: (element: Element) => string): string {
    return Array.from({ length: this.rows }, (_, row) => term(new Element(this.trace, row, this.column))).join(' + ');
  }
}

const first = texNumber;
const then = texOperand;
const SUM = '\\sum_{i}';

function line(left: string, right: string, expression: string, value: number): Line {
  return { formula: `${left} = ${right}`, numbers: expression ? `${expression} = ${texNumber(value)}` : texNumber(value), value };
}

const FORWARD: Partial<Record<Name, (e: Element) => Line>> = {
  mean: (e) => line(symbol('mean'), `\\frac{1}{N}${SUM} x_{ic}`, `\\frac{${e.sum((i) => then(i.value('x')))}}{${e.rows}}`, e.value('mean')),
  centered: (e) => line(symbol('centered'), 'x_{ic} - \\text{mean}_{c}', `${first(e.value('x'))} - ${then(e.value('mean'))}`, e.value('centered')),
  squared: (e) => line(symbol('squared'), '\\text{centered}_{ic}^2', `(${first(e.value('centered'))})^2`, e.value('squared')),
  variance: (e) =>
    line(symbol('variance'), `\\frac{1}{N}${SUM} \\text{squared}_{ic}`, `\\frac{${e.sum((i) => then(i.value('squared')))}}{${e.rows}}`, e.value('variance')),
  std: (e) => line(
    symbol('std'), '\\sqrt{\\text{variance}_{c} + \\varepsilon}', `\\sqrt{${first(e.value('variance'))} + ${first(e.trace.inputs.eps)}}`, e.value('std'),
  ),
  invStd: (e) => line(
    symbol('invStd'), '\\frac{1}{\\text{std}_{c}}', e.value('std') > 0 ? `\\frac{1}{${first(e.value('std'))}}` : '\\text{by convention where std is 0}',
      e.value('invStd'),
  ),
  xHat: (e) => line(symbol('xHat'), '\\text{centered}_{ic} \\cdot \\text{invStd}_{c}', `${first(e.value('centered'))} \\cdot ${then(e.value('invStd'))}`,
    e.value('xHat')),
  scaled: (e) => line(symbol('scaled'), '\\gamma_{c} \\cdot \\hat{x}_{ic}', `${first(e.value('gamma'))} \\cdot ${then(e.value('xHat'))}`, e.value('scaled')),
  y: (e) => line(symbol('y'), '\\text{scaled}_{ic} + \\beta_{c}', `${first(e.value('scaled'))} + ${then(e.value('beta'))}`, e.value('y')),
};

/** ∂of/∂by = derivative */
function local(of: Name, by: Name, derivative: string): string {
  return `\\frac{\\partial\\, ${symbol(of)}}{\\partial\\, ${symbol(by)}} = ${derivative}`;
}

/** The gradient by `to`, or its first or second part, from that by `from`. */
function back(from: Name, to: Name, derivative: string, right: string, expression: string, value: number, part?: number): Line {
  return { local: local(from, to, derivative), ...line(gradientSymbol(to, part), right, expression, value) };
}

/** The two gradients of a value that is used twice. */
function addedUp(e: Element, name: Name): Line {
  return line(
    gradientSymbol(name), `${gradientSymbol(name, 1)} + ${gradientSymbol(name, 2)}`, `${first(e.part(name, 0))} + ${then(e.part(name, 1))}`, e.gradient(name),
  );
}

const BACKWARD: Partial<Record<Name, (e: Element) => Line[]>> = {
  y: (e) => [
    back('y', 'scaled', '1', gradientSymbol('y'), '', e.gradient('scaled')),
    back('y', 'beta', '1', `${SUM} ${gradientSymbol('y')}`, e.sum((i) => then(i.gradient('y'))), e.gradient('beta')),
  ],
  scaled: (e) => [
    back('scaled', 'xHat', '\\gamma_{c}', `${gradientSymbol('scaled')} \\cdot \\gamma_{c}`, `${first(e.gradient('scaled'))} \\cdot ${then(e.value('gamma'))}`,
      e.gradient('xHat')),
    back(
      'scaled', 'gamma', '\\hat{x}_{ic}', `${SUM} ${gradientSymbol('scaled')} \\cdot \\hat{x}_{ic}`,
      e.sum((i) => `${then(i.gradient('scaled'))} \\cdot ${then(i.value('xHat'))}`), e.gradient('gamma'),
    ),
  ],
  xHat: (e) => [
    back(
      'xHat', 'centered', '\\text{invStd}_{c}', `${gradientSymbol('xHat')} \\cdot \\text{invStd}_{c}`,
      `${first(e.gradient('xHat'))} \\cdot ${then(e.value('invStd'))}`, e.part('centered', 0), 1,
    ),
    back(
      'xHat', 'invStd', '\\text{centered}_{ic}', `${SUM} ${gradientSymbol('xHat')} \\cdot \\text{centered}_{ic}`,
      e.sum((i) => `${then(i.gradient('xHat'))} \\cdot ${then(i.value('centered'))}`), e.gradient('invStd'),
    ),
  ],
  invStd: (e) => [
    back(
      'invStd', 'std', '-\\frac{1}{\\text{std}_{c}^2} = -\\text{invStd}_{c}^2', `-${gradientSymbol('invStd')} \\cdot \\text{invStd}_{c}^2`,
      `-${then(e.gradient('invStd'))} \\cdot (${first(e.value('invStd'))})^2`, e.gradient('std'),
    ),
  ],
  std: (e) => [
    back(
      'std', 'variance', '\\frac{1}{2\\,\\text{std}_{c}} = \\frac{\\text{invStd}_{c}}{2}', `${gradientSymbol('std')} \\cdot \\frac{\\text{invStd}_{c}}{2}`,
      `${first(e.gradient('std'))} \\cdot \\frac{${first(e.value('invStd'))}}{2}`, e.gradient('variance'),
    ),
  ],
  variance: (e) => [
    back('variance', 'squared', '\\frac{1}{N}', `\\frac{1}{N}\\,${gradientSymbol('variance')}`, `\\frac{${first(e.gradient('variance'))}}{${e.rows}}`,
      e.gradient('squared')),
  ],
  squared: (e) => [
    back(
      'squared', 'centered', '2\\,\\text{centered}_{ic}', `${gradientSymbol('squared')} \\cdot 2\\,\\text{centered}_{ic}`,
      `${first(e.gradient('squared'))} \\cdot 2 \\cdot ${then(e.value('centered'))}`, e.part('centered', 1), 2,
    ),
    addedUp(e, 'centered'),
  ],
  centered: (e) => [
    back('centered', 'x', '1', gradientSymbol('centered'), '', e.part('x', 0), 1),
    back('centered', 'mean', '-1', `-${SUM} ${gradientSymbol('centered')}`, `-\\big(${e.sum((i) => then(i.gradient('centered')))}\\big)`, e.gradient('mean')),
  ],
  mean: (e) => [
    back('mean', 'x', '\\frac{1}{N}', `\\frac{1}{N}\\,${gradientSymbol('mean')}`, `\\frac{${first(e.gradient('mean'))}}{${e.rows}}`, e.part('x', 1), 2),
    addedUp(e, 'x'),
  ],
};

function closedLines(e: Element): Line[] {
  const { dx, dgamma, dbeta } = e.trace.closed;
  const [gammaOf, inv, dy, xHat] = [e.value('gamma'), e.value('invStd'), e.gradient('y'), e.value('xHat')];
  return [
    line(gradientSymbol('beta'), `${SUM} ${gradientSymbol('y')}`, e.sum((i) => then(i.gradient('y'))), e.at(dbeta)),
    line(gradientSymbol('gamma'), `${SUM} ${gradientSymbol('y')} \\cdot \\hat{x}_{ic}`,
      e.sum((i) => `${then(i.gradient('y'))} \\cdot ${then(i.value('xHat'))}`), e.at(dgamma)),
    line(
      gradientSymbol('x'), CLOSED_DX,
      `${first(gammaOf)} \\cdot ${then(inv)} \\cdot \\left(${first(dy)} - \\frac{${first(e.at(dbeta))}}{${e.rows}} - ${then(xHat)} \\cdot ` +
        `\\frac{${first(e.at(dgamma))}}{${e.rows}}\\right)`,
      e.at(dx),
    ),
  ];
}

const CLOSED_DX =
  `\\gamma_{c} \\cdot \\text{invStd}_{c} \\cdot \\left(${gradientSymbol('y')} - \\frac{${gradientSymbol('beta')}}{N} - \\hat{x}_{ic} \\cdot ` +
    `\\frac{${gradientSymbol('gamma')}}{N}\\right)`;

/** How the nine steps shorten, each line put into the next. */
export const COLLAPSE: readonly string[] = [
  `${gradientSymbol('invStd')} = ${SUM} \\gamma_{c}\\,${gradientSymbol('y')} \\cdot \\hat{x}_{ic}\\,\\text{std}_{c} = ` +
    `\\gamma_{c}\\,\\text{std}_{c}\\,${gradientSymbol('gamma')}`,
  `${gradientSymbol('variance')} = -\\tfrac{1}{2}\\,\\text{invStd}_{c}^{3}\\,${gradientSymbol('invStd')} = ` +
    `-\\tfrac{1}{2}\\,\\gamma_{c}\\,\\text{invStd}_{c}^{2}\\,${gradientSymbol('gamma')}`,
  `${gradientSymbol('centered')} = \\gamma_{c}\\,\\text{invStd}_{c}\\,${gradientSymbol('y')} + ` +
    `\\frac{2}{N}\\,\\text{centered}_{ic}\\,${gradientSymbol('variance')} = \\gamma_{c}\\,\\text{invStd}_{c}\\left(${gradientSymbol('y')} - ` +
    `\\hat{x}_{ic}\\,\\frac{${gradientSymbol('gamma')}}{N}\\right)`,
  `${gradientSymbol('mean')} = -${SUM} ${gradientSymbol('centered')} = -\\gamma_{c}\\,\\text{invStd}_{c}\\,${gradientSymbol('beta')} \\quad \\text{as}\\ ` +
    `${SUM} \\hat{x}_{ic} = 0`,
  `${gradientSymbol('x')} = ${gradientSymbol('centered')} + \\frac{${gradientSymbol('mean')}}{N} = ${CLOSED_DX}`,
];

/** The step that selecting a node leads to: its own, in the direction that is under way. */
export function stepFor(node: GraphNode, current: number): number {
  if (node.step === 0) return current;
  return current > OPERATIONS ? backStep(node) : node.step;
}
