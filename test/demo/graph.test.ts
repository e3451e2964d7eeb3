// Claim: what the graph page shows is the reference's, the numbers in its formulas come to what it prints, and a link says all of it.
// Control: a graph worked by hand, and a wrong gradient that the gradient check sees.
import { describe, expect, test } from 'vitest';
import { largestDifference, numericChecks } from '../../demo/graph/checks.js';
import { brief, compact, precise } from '../../demo/graph/format.js';
import { type Box, type Edge, type Layout, closedLayout, tallLayout, wideLayout } from '../../demo/graph/layout.js';
import { LAST_STEP, NODES, type Name, OPERATIONS, nodeOf } from '../../demo/graph/nodes.js';
import { type Preset, PRESETS, drawn, resized } from '../../demo/graph/presets.js';
import { DEFAULTS, type Settings, linkOfSettings, parseSeed, settingsOfLink } from '../../demo/graph/settings.js';
import { arrivedPart, edgeState, nodeState } from '../../demo/graph/state.js';
import { phaseOf, stepFor, stepOf, titleOf } from '../../demo/graph/steps.js';
import { GRADIENTS, type Inputs, traceOf } from '../../demo/graph/trace.js';
import { backward, backwardStaged, forward } from '../../src/reference/index.js';

const f64 = (...values: number[]) => Float64Array.from(values);

/** x = 1 and 3: mean 2, variance 1. */
const BY_HAND: Inputs = { rows: 2, channels: 1, x: f64(1, 3), dy: f64(1, 0), gamma: f64(2), beta: f64(0.5), eps: 0 };

const DRAWN = (Object.keys(PRESETS) as Preset[]).flatMap((preset) =>
  [[4, 3], [6, 4], [1, 1], [2, 4]].map(([rows, channels]) => ({ name: `${preset}, ${rows} × ${channels}`, preset, inputs: drawn(preset, 7, rows, channels) })));

describe('the graph', () => {
  test('control: worked by hand', () => {
    const { values, gradients, parts, closed } = traceOf(BY_HAND);
    expect(values).toMatchObject({ mean: f64(2), centered: f64(-1, 1), squared: f64(1, 1), variance: f64(1), std: f64(1), invStd: f64(1), xHat: f64(-1, 1),
      scaled: f64(-2, 2), y: f64(-1.5, 2.5) });
    expect(gradients).toMatchObject(
      { y: f64(1, 0), beta: f64(1), gamma: f64(-1), xHat: f64(2, 0), invStd: f64(-2), std: f64(2), variance: f64(1), squared: f64(0.5, 0.5), mean: f64(-2) },
    );
    expect(parts.centered).toEqual([{ through: 'xHat', gradient: f64(2, 0) }, { through: 'squared', gradient: f64(-1, 1) }]);
    expect(gradients.centered).toEqual(f64(1, 1));
    expect(parts.x).toEqual([{ through: 'centered', gradient: f64(1, 1) }, { through: 'mean', gradient: f64(-1, -1) }]);
    expect(gradients.x).toEqual(f64(0, 0));
    expect(closed).toMatchObject({ dx: f64(0, 0), dgamma: f64(-1), dbeta: f64(1) });
  });

  test.each(DRAWN)('$name: values and gradients are the reference’s, and the parts add up to them', ({ inputs }) => {
    const shape = { rows: inputs.rows, channels: inputs.channels };
    const trace = traceOf(inputs);
    const staged = backwardStaged(inputs, shape, inputs.eps);
    for (const [name, array] of Object.entries(staged.values)) expect(trace.values[name as Name], name).toEqual(array);
    for (const [name, array] of Object.entries(staged.gradients)) expect(trace.gradients[name.slice(1) as Name], name).toEqual(array);
    const { mean, invStd } = forward(inputs, shape, inputs.eps);
    const closed = backward({ ...inputs, mean, invStd }, shape);
    for (const name of GRADIENTS) expect(trace.closed[name], name).toEqual(closed[name]);
    for (const { name } of NODES.filter((node) => node.name !== 'y')) {
      const parts = trace.parts[name].map(({ gradient }) => gradient);
      const sum = parts[0].map((_, i) => parts.reduce((total, part) => total + part[i], 0));
      const largest = Math.max(...parts.flatMap((part) => Array.from(part, Math.abs)));
      expect(largestDifference(sum, trace.gradients[name]), name).toBeLessThanOrEqual(4 * 2 ** -52 * largest); // one addition, the order may differ
    }
  });

  test('a node has two parts exactly where its value is used twice', () => {
    const { parts } = traceOf(BY_HAND);
    expect(Object.entries(parts).filter(([, all]) => all.length === 2).map(([name]) => name)).toEqual(['x', 'centered']);
    expect(parts.y).toEqual([]);
    expect(NODES.filter(({ step }) => step > 0).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('a step', () => {
  const trace = traceOf(drawn('random', 3, 4, 3));

  test('what is known when', () => {
    const known = (name: Name, step: number) => {
      const { value, gradient, arrived } = nodeState(trace, nodeOf(name), step);
      return [value !== null, gradient !== null, arrived];
    };
    for (const { name, step } of NODES) {
      if (step > 0) expect(known(name, step - 1)[0], name).toBe(false);
      expect(known(name, step)[0], name).toBe(true);
    }
    expect([9, 10].map((step) => known('y', step))).toEqual([[true, false, 0], [true, true, 0]]);
    expect([11, 12, 15, 16].map((step) => known('centered', step))).toEqual([[true, false, 0], [true, true, 1], [true, true, 1], [true, true, 2]]);
    expect([16, 17, 18].map((step) => known('x', step))).toEqual([[true, false, 0], [true, true, 1], [true, true, 2]]);
    expect(nodeState(trace, nodeOf('centered'), 12).gradient).toBe(trace.parts.centered[0].gradient);
    expect(nodeState(trace, nodeOf('centered'), 16).gradient).toBe(trace.gradients.centered);
    expect(nodeState(trace, nodeOf('x'), LAST_STEP).gradient).toBe(trace.closed.dx);
  });

  test('what an edge carries when', () => {
    const edge = { from: 'centered', to: 'xHat' } as const;
    expect([6, 7, 11, 12, 13].map((step) => edgeState(edge, step))).toEqual([
      { carries: 'nothing', now: false }, { carries: 'value', now: true }, { carries: 'value', now: false }, { carries: 'gradient', now: true },
        { carries: 'gradient', now: false },
    ]);
    expect([11, 12].map((step) => arrivedPart(trace, edge, step))).toEqual([null, trace.parts.centered[0].gradient]);
    expect(arrivedPart(trace, { from: 'xHat', to: 'scaled' }, 18)).toBeNull(); // its only use
  });

  test('every node has its two steps, and a node leads to the one in the direction under way', () => {
    const titles = Array.from({ length: LAST_STEP + 1 }, (_, step) => titleOf(step));
    expect(new Set(titles).size).toBe(20);
    expect(titles[7]).toBe('Forward, 7 of 9: xHat = centered · invStd');
    expect(titles[12]).toBe('Backward, 3 of 9: through xHat = centered · invStd');
    expect([0, 9, 10, 19].map(phaseOf)).toEqual(['given', 'forward', 'backward', 'closed']);
    expect([stepFor(nodeOf('xHat'), 3), stepFor(nodeOf('xHat'), OPERATIONS + 1), stepFor(nodeOf('gamma'), 5)]).toEqual([7, 12, 5]);
  });

  test.each([1, 2, 3].flatMap((seed) => [{ seed, rows: 4, channels: 3 },
    { seed, rows: 6, channels: 4 }]))('seed $seed, $rows rows: the numbers in each formula come to what it says', ({ seed, rows, channels }) => {
    const drawnTrace = traceOf(drawn('random', seed, rows, channels));
    for (let step = 1; step <= LAST_STEP; step++) {
      for (const [row, column] of [[0, 0], [rows - 1, channels - 1]]) {
        const { lines, phase } = stepOf(step, drawnTrace, row, column);
        expect(lines.length).toBeGreaterThan(0);
        for (const { numbers, value, local } of lines) {
          if (phase === 'forward') expect(local).toBeUndefined();
          const sides = numbers.split(' = ').map(evaluate);
          // Each number is rounded to 4 digits: 5e-4 of it, in sums of up to 12 factors of up to 3.
          for (const side of sides) expect(Math.abs(side - value), `${step}: ${numbers}`).toBeLessThanOrEqual(0.01 * Math.max(1, Math.abs(value)));
        }
      }
    }
  });

  test('its last line is the gradient that the graph then holds', () => {
    const last = (step: number) => stepOf(step, trace, 1, 2).lines.at(-1)!.value;
    const at = (array: Float64Array) => array[array.length === 3 ? 2 : 1 * 3 + 2];
    expect(Array.from({ length: 9 }, (_, i) => last(i + 1))).toEqual(
      (['mean', 'centered', 'squared', 'variance', 'std', 'invStd', 'xHat', 'scaled', 'y'] as const).map((name) => at(trace.values[name])),
    );
    expect(Array.from({ length: 9 }, (_, i) => last(i + 10))).toEqual(
      (['beta', 'gamma', 'invStd', 'std', 'variance', 'squared', 'centered', 'mean', 'x'] as const).map((name) => at(trace.gradients[name])),
    );
    expect(stepOf(LAST_STEP, trace, 1, 2).lines.map(({ value }) => value)).toEqual([at(trace.closed.dbeta), at(trace.closed.dgamma), at(trace.closed.dx)]);
  });

  test('std 0 is no division by 0', () => {
    const flat = traceOf({ ...drawn('constant', 1, 3, 2), eps: 0 });
    expect(stepOf(6, flat, 0, 0).lines[0].numbers).toBe('\\text{by convention where std is 0} = {0}');
    for (let step = 1; step <= LAST_STEP; step++) for (const { value } of stepOf(step, flat, 0, 0).lines) expect(value).not.toBeNaN();
  });
});

/** What TeX of numbers comes to: fractions, roots, squares, products and sums. */
function evaluate(tex: string): number {
  const script = tex
    .replace(/\\(left|right|big|frac)/g, '').replaceAll('\\sqrt', 'Math.sqrt').replaceAll('\\cdot', '*').replaceAll('^', '**')
    .replaceAll('{', '(').replaceAll('}', ')').replaceAll(')(', ')/(');
  return (new Function(`return ${script}`) as () => number)();
}

describe('the checks', () => {
  test.each(DRAWN)('$name: nine steps, closed form and central differences agree', ({ inputs }) => {
    const trace = traceOf(inputs);
    for (const name of GRADIENTS) {
      const largest = Math.max(1, ...trace.closed[name].map(Math.abs));
      // A few roundings of terms as large as x / std, which the large mean makes 1e4.
      expect(largestDifference(trace.closed[name], trace.staged[name]), name).toBeLessThanOrEqual(1e-10 * largest);
    }
    const { worst, flat } = numericChecks(trace);
    expect(flat).toEqual([]);
    for (const name of GRADIENTS) expect(worst[name]!.error, name).toBeLessThanOrEqual(1e-5); // curvature 1e-8, rounding of x over the nudge 4e-6
  });

  test.each(GRADIENTS)('control: a wrong %s is seen', (name) => {
    const trace = traceOf(drawn('random', 1, 4, 3));
    const wrong = trace.staged[name].slice();
    wrong[2] += 0.01;
    const { worst } = numericChecks({ ...trace, staged: { ...trace.staged, [name]: wrong } });
    expect(worst[name]!.error).toBeGreaterThan(1e-3);
    expect(worst[name]).toMatchObject({ row: 0, column: 2 });
  });

  test('a column without a derivative is named, not judged', () => {
    const { worst, flat } = numericChecks(traceOf({ ...drawn('constant', 1, 4, 3), eps: 0 }));
    expect(flat).toEqual([0]);
    expect(worst.dx!.column).not.toBe(0);
    expect(numericChecks(traceOf({ ...BY_HAND, x: f64(3, 3) }))).toMatchObject({ flat: [0], worst: { dgamma: { row: 0 } } });
  });

  test('NaN is no small difference', () => {
    expect(largestDifference([0, NaN], [0, 0])).toBeNaN();
  });
});

describe('a link', () => {
  test.each([
    { name: 'control: what is shown first needs none', settings: DEFAULTS, link: '' },
    { name: 'a step', settings: { ...DEFAULTS, step: 12 }, link: '?step=12' },
    { name: 'an element', settings: { ...DEFAULTS, row: 2, column: 1 }, link: '?at=3,2' },
    { name: 'everything', settings: { inputs: BY_HAND, step: 19, row: 1, column: 0 }, link: '?x=1;3&dy=1;0&gamma=2&beta=0.5&eps=0&step=19&at=2,1' },
  ])('$name', ({ settings, link }) => {
    expect(linkOfSettings(settings)).toBe(link);
    expect(settingsOfLink(link)).toEqual(settings);
  });

  test.each(DRAWN)('$name comes back bit for bit', ({ inputs }) => {
    const settings: Settings =
      { inputs: { ...inputs, x: inputs.x.map((value, i) => value / (i + 3)), eps: 1e-13 }, step: 5, row: inputs.rows - 1, column: inputs.channels - 1 };
    expect(settingsOfLink(linkOfSettings(settings))).toEqual(settings);
  });

  test.each([
    { link: '?x=1,2;3,y&dy=1,2;3,4&gamma=1,1&beta=0,0',
      message: 'graph: "x[2, 2]" is "y", needs a number from −1000000 to 1000000. Correct it; the picture still shows what stood there.' },
    { link: '?x=1,2;3&dy=1,2;3,4&gamma=1,1&beta=0,0',
      message: 'graph: "x" of this link is "1,2;3", needs 2 × 2 numbers (rows by ; and columns by ,). Correct it.' },
    { link: '?x=1;2', message: 'graph: "dy" of this link is' },
    { link: '?x=1,2,3,4,5', message: 'graph: "x" of this link has 1 rows and 5 columns, needs at most 6 and 4. Shorten it.' },
    { link: '?gamma=1,,1', message: 'graph: "gamma[2]" is "", needs a number from' },
    { link: '?eps=-1', message: 'graph: "eps" is "-1", needs a number from 0 to 1, such as 1e-5.' },
    { link: '?eps=NaN', message: 'graph: "eps" is "NaN"' },
    { link: '?beta=1e7,0,0', message: 'graph: "beta[1]" is "1e7", needs a number from −1000000 to 1000000.' },
    { link: '?beta=0x10,0,0', message: 'graph: "beta[1]" is "0x10"' },
    { link: '?step=20', message: 'graph: "step" of this link is "20", needs an integer from 0 to 19. Correct it.' },
    { link: '?at=5,1', message: 'graph: "at" of this link is "5,1", needs a row of 4 and a column of 3, such as 1,1. Correct it.' },
    { link: '?at=1', message: 'graph: "at" of this link is "1", needs' },
    { link: '?at=1,1,1', message: 'graph: "at" of this link is "1,1,1", needs' },
  ])('$link is refused', ({ link, message }) => {
    expect(() => settingsOfLink(link)).toThrow(message);
  });

  test('a seed', () => {
    expect(parseSeed('7')).toBe(7);
    expect(() => parseSeed('-7')).toThrow('graph: "seed" is "-7", needs an integer from 0 to 999999999. Correct it.');
  });
});

describe('what is drawn', () => {
  test('comes from the seed, and is what its name says', () => {
    expect(drawn('random', 5, 4, 3)).toEqual(drawn('random', 5, 4, 3));
    expect(drawn('random', 5, 4, 3)).not.toEqual(drawn('random', 6, 4, 3));
    expect(traceOf(drawn('constant', 5, 4, 3)).values.variance[0]).toBe(0);
    for (const mean of traceOf(drawn('large', 5, 4, 3)).values.mean) expect(Math.abs(mean - 1e4)).toBeLessThan(5);
    const { x } = drawn('outlier', 5, 4, 3);
    expect(x.filter((value) => Math.abs(value) > 50)).toEqual(f64(100));
  });

  test('another size keeps what was there', () => {
    const inputs = drawn('random', 1, 3, 2);
    const larger = resized(inputs, 1, 4, 3);
    expect(larger).toMatchObject({ rows: 4, channels: 3, eps: inputs.eps });
    expect([larger.x.length, larger.dy.length, larger.gamma.length]).toEqual([12, 12, 3]);
    expect(resized(larger, 1, 3, 2)).toEqual(inputs);
    expect(resized(inputs, 1, 2, 1).x).toEqual(f64(inputs.x[0], inputs.x[2]));
  });
});

describe('numbers on screen', () => {
  test.each([
    [0, '0'], [1.4, '1.400'], [-0.4905, '−0.4905'], [0.01234, '0.0123'], [-0.0088, '−8.8e−3'], [999.94, '999.9'], [10001.4, '10001.40'], [1.5e6, '1.5e6'],
      [3e-17, '3.0e−17'],
  ])('%d in a cell', (value, text) => {
    expect(compact(value)).toBe(text);
  });

  test('in a table', () => {
    expect([precise(-1 / 3), precise(10000.53), brief(0), brief(4.44e-16)]).toEqual(['−0.333333333', '10000.53', '0', '4.4e−16']);
  });
});

describe('the layout', () => {
  const sizes = [[1, 1], [4, 3], [6, 4]].flatMap(([rows, channels]) => [40, 62].map((cellWidth) => ({ rows, channels, cellWidth })));
  const layouts = sizes.flatMap((size) => [
    { name: 'wide', layout: wideLayout(size) }, { name: 'tall', layout: tallLayout(size) },
    { name: 'closed, wide', layout: closedLayout(size, true) }, { name: 'closed, tall', layout: closedLayout(size, false) },
  ].map(({ name, layout }) => ({ name: `${name}, ${size.rows} × ${size.channels}, ${size.cellWidth}`, layout })));

  test.each(layouts)('$name: nothing overlaps, nothing is cut, every edge joins its two nodes', ({ layout }) => {
    const boxes = Object.entries(layout.boxes);
    for (const [name, box] of boxes) {
      expect([box.x >= 0, box.y >= 0, box.x + box.width <= layout.width, box.y + box.height <= layout.height], name).toEqual([true, true, true, true]);
      for (const [other, at] of boxes) if (name < other) expect(overlaps(box, at), `${name} and ${other}`).toBe(false);
    }
    for (const edge of layout.edges) {
      const points = pointsOf(edge);
      expect(touches(layout.boxes[edge.from]!, points[0]), `${edge.from} to ${edge.to}`).toBe(true);
      expect(touches(layout.boxes[edge.to]!, points.at(-1)!), `${edge.from} to ${edge.to}`).toBe(true);
      for (const [name, box] of boxes) {
        if (name === edge.from || name === edge.to) continue;
        for (let i = 1; i < points.length; i++) expect(crosses(box, points[i - 1], points[i]), `${edge.from} to ${edge.to} through ${name}`).toBe(false);
      }
    }
  });

  test('has the edges of the graph', () => {
    const pairs = ({ edges }: Layout) => edges.map(({ from, to }) => `${from} ${to}`).sort();
    const wanted = NODES.flatMap(({ name, from }) => from.map((given) => `${given} ${name}`)).sort();
    expect(wanted).toHaveLength(13);
    for (const layout of [wideLayout(sizes[2]), tallLayout(sizes[2])]) expect(pairs(layout)).toEqual(wanted);
  });
});

type Point = readonly [number, number];

function pointsOf({ path }: Edge): Point[] {
  let [x, y] = [0, 0];
  return [...path.matchAll(/([MHV])([-\d.]+)(?: ([-\d.]+))?/g)].map(([, command, first, second]) => {
    if (command !== 'V') x = Number(first);
    if (command !== 'H') y = Number(second ?? first);
    return [x, y];
  });
}

function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function touches(box: Box, [x, y]: Point): boolean {
  const within = (at: number, from: number, length: number) => at >= from - 1e-9 && at <= from + length + 1e-9;
  const on = (at: number, from: number, length: number) => Math.abs(at - from) < 1e-9 || Math.abs(at - from - length) < 1e-9;
  return within(x, box.x, box.width) && within(y, box.y, box.height) && (on(x, box.x, box.width) || on(y, box.y, box.height));
}

function crosses(box: Box, [x1, y1]: Point, [x2, y2]: Point): boolean {
  return overlaps(box, { x: Math.min(x1, x2), y: Math.min(y1, y2), width: Math.abs(x2 - x1) + 1e-9, height: Math.abs(y2 - y1) + 1e-9 });
}
