/**
 * A line that is broken on purpose, and the suite that owns it and so has to go red.
 *
 * @typedef {object} Broken
 * @property {string} what - which part of the library is broken.
 * @property {string} under - folder in which exactly one file has the line, once.
 * @property {string} line - as it stands.
 * @property {string} instead - what stands there then.
 * @property {string[]} suite - arguments of `vitest run`.
 */

/** @type {Broken[]} */
export const LINES = [
  {
    what: 'plan: a part of the rows is one short', under: 'src/plan',
    line: 'const innerPerPart = Math.ceil(inner.size / wanted.inner);', instead: 'const innerPerPart = Math.max(1, Math.ceil(inner.size / wanted.inner) - 1);',
    suite: ['--project', 'node', 'planIterations'],
  },
  {
    what: 'a part of the moments: two parts merge as if they had one mean', under: 'shaders',
    line: 'let between = (delta * share) * (delta * f32(own.count));', instead: 'let between = Channel();',
    suite: ['--project', 'dawn', 'gpu/kernels', '-t', 'software plan, split .ragged'],
  },
  {
    what: 'a part of the gradient: a merged sum is another’s', under: 'shaders',
    line: 'own.dz_centered = sum_add(own.dz_centered, group_dz_centered[j]);', instead: 'own.dz_centered = sum_add(own.dz_centered, group_dz[j]);',
    suite: ['--project', 'dawn', 'gpu/kernels', '-t', 'software plan, split .ragged'],
  },
  {
    what: 'storage: bf16 is cut off, not rounded to even', under: 'shaders',
    line: 'let rounded = bits + vec2u(0x7fffu) + ((bits >> vec2u(16u)) & vec2u(1u));', instead: 'let rounded = bits + vec2u(0x7fffu);',
    suite: ['--project', 'dawn', 'gpu/halves', '-t', 'bf16'],
  },
  {
    what: 'activations: one is taken for none', under: 'src/core',
    line: "name !== 'none'", instead: "name === 'relu'",
    suite: ['--project', 'node', 'kernels/operations'],
  },
  {
    what: 'checks: buffers that overlap by one byte pass', under: 'src',
    line: 'if (a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes) {', instead: 'if (a.offset + 1 < b.offset + b.bytes && b.offset < a.offset) {',
    suite: ['--project', 'node', 'core/buffers'],
  },
  {
    what: 'layer: eval() goes on training', under: 'src/layer',
    line: 'this.#training = false;', instead: 'this.#training = true;',
    suite: ['--project', 'node', 'layer/batchNorm'],
  },
  {
    what: 'a reader: doubled quotes stay doubled', under: 'src/data',
    line: `.replaceAll('""', '"').trim()`, instead: '.trim()',
    suite: ['--project', 'node', 'data/csv'],
  },
  {
    what: 'a page: the landing page shows the wrong half of y', under: 'demo/landing',
    line: '[...y.subarray(2 * row, 2 * row + 2)]', instead: '[...y.subarray(row, row + 2)]',
    suite: ['--project', 'pages', 'pages/landing', '-t', 'names the adapter'],
  },
  {
    what: 'the verify table: what is NaN counts as within', under: 'src/verify',
    line: 'const within = error <= bound;', instead: 'const within = !(error > bound);',
    suite: ['--project', 'node', 'verify/compare'],
  },
];
