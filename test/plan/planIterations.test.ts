// Claim: whatever the shape, the layout, the storage, the binding limit and the cuts, the kernels' own loops visit every
// element exactly once, in its window, with its channel and its row, and write every partial exactly once.
// Control: a shape of one window, by hand. The shader files are not copied here: their text is turned into JavaScript
// whose numbers are u32, and run thread by thread. Values are all 0; only indices are looked at.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KERNELS, type Kernel, type KernelName, type Variant } from '../../src/shader/kernels.js';
import { SOURCES, sourceOf } from '../../src/shader/sources.js';
import { partsInScope } from '../../src/shader/text.js';
import { type Storage, storageBytes } from '../../src/core/storage.js';
import { type AdapterClass, DEFAULTS, type PlanKind } from '../../src/core/options.js';
import { PARAMS, PARAMS_BYTES, writeParams } from '../../src/plan/params.js';
import { MAX_ITERATIONS } from '../../src/plan/members.js';
import { type Dispatch, type Plan, type PlanChoice, plan, planMerge } from '../../src/plan/plan.js';
import { REGISTER_ITERATIONS, type PlanLimits, type Tile, tilesOf } from '../../src/plan/tiles.js';
import type { Geometry, Layout } from '../../src/core/shape.js';

const LIMITS: PlanLimits = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupsPerDimension: 65535, maxStorageBufferBindingSize: 2 ** 27 };

// ---- WGSL with u32 for every number, as JavaScript -------------------------------------------------------------------

/** What the kernels' index arithmetic is written in: structs, functions, for, if, u32. */
function javaScriptOf(wgsl: string): { code: string; nested: number[][] } {
  const tokens = wgsl.replace(/\/\/.*/g, '').match(/[A-Za-z_]\w*|\d[\w.]*|->|[=!<>]=|&&|\|\||[-+*/%]=|\S/g) ?? [];
  let at = 0;
  const peek = () => tokens[at];
  const next = () => tokens[at++];
  const take = (token: string) => {
    if (next() !== token) throw new Error(`expected ${token} at … ${tokens.slice(at - 6, at + 3).join(' ')}`);
  };
  const accept = (token: string) => peek() === token && next() !== undefined;
  const until = (close: string, item: () => void) => {
    while (!accept(close)) {
      item();
      accept(',');
    }
  };
  const attributes = () => {
    while (accept('@')) {
      next();
      if (accept('(')) until(')', next);
    }
  };
  const type = (): string => {
    const name = next();
    if (accept('<')) until('>', type);
    return name;
  };

  const LEVELS = [['||'], ['&&'], ['==', '!=', '<', '<=', '>', '>='], ['+', '-'], ['*', '/', '%']];
  const OPERATIONS: Record<string, (a: string, b: string) => string> = {
    '+': (a, b) => `((${a} + ${b}) >>> 0)`,
    '-': (a, b) => `((${a} - ${b}) >>> 0)`,
    '*': (a, b) => `(Math.imul(${a}, ${b}) >>> 0)`,
    '/': (a, b) => `((${a} / ${b}) >>> 0)`,
    '%': (a, b) => `(${a} % ${b})`,
    '==': (a, b) => `(${a} === ${b})`,
    '!=': (a, b) => `(${a} !== ${b})`,
  };
  const binary = (level: number): string => {
    if (level === LEVELS.length) return unary();
    let left = binary(level + 1);
    while (LEVELS[level].includes(peek())) {
      const operator = next();
      const right = binary(level + 1);
      left = OPERATIONS[operator]?.(left, right) ?? `(${left} ${operator} ${right})`;
    }
    return left;
  };
  const expression = () => binary(0);
  const list = (close: string): string => {
    const items: string[] = [];
    until(close, () => items.push(expression()));
    return items.join(', ');
  };
  const unary = (): string => {
    if (accept('!')) return `!${unary()}`;
    let text = accept('(') ? `(${list(')')})` : next().replace(/^([\d.]+)[uf]$/, '$1');
    for (;;) {
      if (accept('.')) text += `.${next()}`;
      else if (accept('(')) text += `(${list(')')})`;
      else if (accept('[')) text += `[${list(']')}]`;
      else return text;
    }
  };

  /** A declaration, an assignment or a call, without its semicolon. */
  const simple = (): string => {
    if (accept('let') || accept('var')) {
      const name = next();
      const zero = accept(':') ? `zero(${JSON.stringify(type())})` : '';
      return `let ${name} = ${accept('=') ? expression() : zero}`;
    }
    if (accept('_')) {
      take('=');
      return expression();
    }
    const target = unary();
    if (accept('=')) return `${target} = ${expression()}`;
    const operator = /^([-+*/%])=$/.exec(peek())?.[1];
    if (!operator) return target;
    next();
    return `${target} = ${OPERATIONS[operator](target, expression())}`;
  };
  /** Of each loop the loops in its body. */
  const nested: number[][] = [];
  let within: number[] = [];
  const statement = (): string => {
    if (accept('if')) {
      const condition = expression();
      return `if (${condition}) ${block()}${accept('else') ? ` else ${peek() === 'if' ? statement() : block()}` : ''}`;
    }
    if (accept('for')) {
      take('(');
      const first = peek() === ';' ? '' : simple();
      take(';');
      const condition = peek() === ';' ? '' : expression();
      take(';');
      const step = peek() === ')' ? '' : simple();
      take(')');
      const loop = nested.length;
      const around = within;
      around.push(loop);
      nested.push((within = []));
      const body = block();
      within = around;
      return `enter(${loop});\nfor (${first}; ${condition}; ${step}) {\nturn();\n${body}}\nleave();`;
    }
    const text = accept('return') ? `return ${peek() === ';' ? '' : expression()}` : accept('break') ? 'break' : simple();
    take(';');
    return `${text};`;
  };
  const block = (): string => {
    let text = '';
    take('{');
    while (!accept('}')) text += accept(';') ? '' : `${statement()}\n`;
    return `{\n${text}}`;
  };

  let code = '';
  while (at < tokens.length) {
    attributes();
    const keyword = next();
    const names: string[] = [];
    const field = () => {
      attributes();
      names.push(next());
      take(':');
      type();
    };
    if (keyword === 'struct') {
      const name = next();
      take('{');
      until('}', field);
      code += `function ${name}(${names.join(', ')}) { return { ${names.join(', ')} }; }\n`;
    } else if (keyword === 'fn') {
      const name = next();
      take('(');
      until(')', field);
      if (accept('->')) type();
      code += `function ${name}(${names.join(', ')}) ${block()}\n`;
    } else if (keyword === 'var') { // private: an array
      take('<');
      until('>', next);
      field();
      code += `const ${names[0]} = [];\n`;
      take(';');
    } else if (keyword === 'const') {
      code += `const ${next()} = `;
      take('=');
      code += `${expression()};\n`;
      take(';');
    } else throw new Error(`no rule for ${keyword}`);
  }
  return { code, nested };
}

// ---- a kernel's threads, run on a plan's dispatches ------------------------------------------------------------------

/** The parts that say which indices a thread takes. What they call beside each other is put in by `surroundings`. */
const INDEX_PARTS = [
  'walk/walk', 'walk/registers', 'elementwise/apply_flat', 'elementwise/apply_tile', 'elementwise/write_walk', 'moments/write_registers_x',
  'gradient/write_registers_gradient', 'moments/moments_walk', 'moments/moments_registers', 'moments/moments_parts', 'gradient/gradient_walk',
  'gradient/gradient_registers', 'gradient/gradient_parts',
].map((name) => `${name}.wgsl`);

type Pair = { x: number; y: number };
type Place = { channel: number; row: number };
interface Program {
  main(i: number, group: Pair, groups: Pair): void;
}

/** What a thread did in a loop: turn by turn, the loops that it came to in there. */
interface Loop {
  number: number;
  turns: Loop[][];
}

/**
 * Passes of threads that run side by side, as llvmpipe makes them: at each loop those of the slowest, and one to find its
 * end; where no thread comes to a loop, that one all the same.
 */
function passesOf(threads: readonly Loop[], nested: readonly number[][], number: number): number {
  let passes = 1;
  for (let turn = 0; threads.some(({ turns }) => turn < turns.length); turn++) {
    passes++;
    const inner = threads.flatMap(({ turns }) => turns[turn] ?? []);
    for (const loop of nested[number]) passes += passesOf(inner.filter((of) => of.number === loop), nested, loop);
  }
  if (passes === 1) for (const loop of nested[number]) passes += passesOf([], nested, loop);
  return passes;
}

/** Channel and row that an element has, by the definition of its layout. */
function truth({ layout, channels, spatial }: Geometry, element: number): Place {
  if (layout === 'channelsLast') return { channel: element % channels, row: Math.floor(element / channels) };
  const line = Math.floor(element / spatial);
  return { channel: line % channels, row: Math.floor(line / channels) * spatial + (element % spatial) };
}

/** What the threads of some dispatches did to a tensor and to partials; throws at the first wrong index. */
class Run {
  readonly geometry: Geometry;
  readonly elements: number;
  readonly counts: boolean;
  dispatch!: Dispatch;
  readonly params: Record<string, number> = {};
  /** By Value, or word, of the whole tensor: the thread that read it, and how often it was written. */
  readonly readers: Int32Array;
  readonly writes: Uint8Array;
  /** By word of [parts, planes, channels]: how often it was written or read. */
  readonly partials: Uint8Array;
  /** By word of the caller's moments or sums. */
  readonly merged: Uint8Array;
  readonly oddWords: number[] = [];
  reduces = true;
  /** Of the thread that runs: its number, what it read, the row it asked the mask for last, its channel. */
  thread = 0;
  touched: number[] = [];
  row = -1;
  channel = -1;
  /** Its loops, and those that it is in. */
  loops: Loop[] = [];
  readonly inside: Loop[] = [];
  /** How many of a Value's rows count; by default all. */
  readonly #valid: ((row: number) => number) | undefined;

  /** `counts` false: of some threads only, so that nothing is counted. */
  constructor(geometry: Geometry, partialWords = 0, mergedWords = 0, counts = true, valid?: (row: number) => number) {
    this.geometry = geometry;
    this.elements = geometry.rows * geometry.channels;
    this.counts = counts;
    this.#valid = valid;
    this.readers = new Int32Array(counts ? this.elements : 0);
    this.writes = new Uint8Array(counts ? this.elements : 0);
    this.partials = new Uint8Array(partialWords);
    this.merged = new Uint8Array(mergedWords);
  }

  begin(dispatch: Dispatch): void {
    this.dispatch = dispatch;
    Object.assign(this.params, uniformOf(dispatch));
  }

  /** A Value's place among those of the whole tensor. */
  placeOf(i: number): number {
    const { window: { start, end }, tile: { width } } = this.dispatch;
    if (!(i < Math.ceil((end - start) / width))) throw new Error(`index ${i} is past the window ${start} to ${end}, width ${width}`);
    return start / width + i;
  }

  /** In Channels, and in Values of rows, as a kernel with this tile counts them. */
  truthOf(place: number): Place {
    const { width, across } = this.dispatch.tile;
    const { channel, row } = truth(this.geometry, place * width);
    return across === 'channels' ? { channel: channel / width, row } : { channel, row: row / width };
  }

  /** How many of a Value's rows count, by the row of its mask. */
  validOf(row: number): number {
    const { width, across } = this.dispatch.tile;
    return this.#valid ? this.#valid(row) : across === 'rows' ? width : 1;
  }

  checkRow(place: number, row: number): void {
    const want = this.truthOf(place).row;
    if (row !== want) throw new Error(`Value ${place} has row ${want}, but the mask is asked for ${row}`);
  }

  checkChannel(place: number, channel: number): void {
    const want = this.truthOf(place).channel;
    if (channel !== want) throw new Error(`Value ${place} is of channel ${want}, but channel ${channel} has it`);
  }

  checkWord(word: number, channels: Pair, rows: Pair): void {
    const first = 2 * this.placeOf(word);
    for (const [element, channel, row] of [[first, channels.x, rows.x], [first + 1, channels.y, rows.y]]) {
      if (element < this.elements) {
        const want = truth(this.geometry, element);
        if (channel !== want.channel || row !== want.row) {
          throw new Error(`element ${element} is of channel ${want.channel} and row ${want.row}, but gets those of channel ${channel} and row ${row}`);
        }
      } else if (channel >= this.geometry.channels || row >= this.geometry.rows) {
        throw new Error(`the padding asks for channel ${channel}, row ${row}`);
      }
    }
  }

  read(i: number): number {
    const place = this.placeOf(i);
    if (!this.counts || this.readers[place] === 0) {
      this.readers[place] = this.thread;
      this.touched.push(place);
    }
    if (this.counts && this.readers[place] !== this.thread) throw new Error(`Value ${place} is read by two threads`);
    return place;
  }

  /** Marks the scalars of one index of [parts, planes, channels]; they are of the thread's channel. */
  mark(counts: Uint8Array, at: number): void {
    if (!this.counts) return;
    const { width, across } = this.dispatch.tile;
    const wide = across === 'channels' ? width : 1;
    if (at * wide + wide > counts.length) throw new Error(`index ${at} of ${counts.length / wide} partials`);
    if (at % (this.geometry.channels / wide) !== this.channel) throw new Error(`channel ${this.channel} marks partial ${at}`);
    for (let k = 0; k < wide; k++) counts[at * wide + k]++;
  }
}

let run: Run; // whose threads run now

/** What a kernel's index parts call beside each other: values are 0, and what is asked for is checked and noted. */
function surroundings(kernel: KernelName, { width, across, groupSize, unrolled }: Tile, params: Run['params']): Record<string, unknown> {
  const flat = across === 'flat';
  const values = across === 'rows' ? width : 1;
  const zero = () => 0;
  const same = (value: number) => value;
  const result = (i: number, rows: number | Pair, terms: number | Pair) => {
    if (flat) run.checkWord(i, terms as Pair, rows as Pair);
    else {
      run.checkRow(run.placeOf(i), rows as number);
      run.checkChannel(run.placeOf(i), terms as number);
    }
    return i;
  };
  const merged = { count: 0, mean: 0, mean_low: 0, m2: 0, m2_low: 0, dz: {}, dz_centered: {} };
  const merge = (own: { count?: number }, walk: { channel: number }) => {
    run.row = -1; // no mask was asked for what follows
    run.channel = walk.channel;
    for (const place of run.touched) {
      if (run.reduces) run.checkChannel(place, walk.channel);
      else if (place !== walk.channel) throw new Error(`a partial of channel ${place} is merged into channel ${walk.channel}`);
    }
    const count = run.touched.reduce((sum, place) => sum + (run.reduces ? run.validOf(run.truthOf(place).row) : 0), 0);
    if (run.reduces && own.count !== undefined && own.count !== count) {
      throw new Error(`a thread that read ${run.touched.length} Values, ${count} values of which count, counts ${own.count}`);
    }
    return merged;
  };
  const mark = (at: number) => run.mark(run.partials, at);
  const markMerged = (at: number) => run.mark(run.merged, at);
  return {
    params, GROUP_SIZE: groupSize, UNROLLED: unrolled, VALUES: values, fence_zero: 0,
    zero: (type: string) => (type === 'Moments' ? { count: 0 } : type === 'Value' ? 0 : {}),
    select: (no: unknown, yes: unknown, condition: boolean) => (condition ? yes : no),
    min: Math.min, max: Math.max, f32: same, bitcast: same, Word: same, arithmetic_fence_value: same, sum_of: same,
    first_valid: same, where_valid: same, count_of: same,
    Value: zero, Channel: zero, count_valid: (row: number) => run.validOf(row), vec2u: (x: number, y: number): Pair => ({ x, y }),
    workgroupBarrier: zero, group_mean: [], group_mean_low: [], group_m2: [], group_dz: [], group_dz_centered: [],
    Statistics: () => ({}), Gradients: () => ({}), load_statistics: () => ({}), gradients_of: () => ({}), finalize_moments: () => ({}),
      statistics_from_first: () => ({}), gradients_from_first: () => ({}),
    affine_of: zero, store_terms: zero, store_affine: zero, load_gamma: zero, load_beta: zero, store_coefficients: zero, finalize_gradient: zero,

    enter: (number: number) => {
      const loop: Loop = { number, turns: [] };
      (run.inside.at(-1)?.turns.at(-1) ?? run.loops).push(loop);
      run.inside.push(loop);
    },
    turn: () => run.inside.at(-1)!.turns.push([]),
    leave: () => run.inside.pop(),

    // A Value's mask is asked for before its x; the moments may read one several times.
    valid_at: (row: number) => {
      run.row = row;
      return row;
    },
    load_x: (i: number) => {
      const place = run.read(i);
      if (run.row !== -1) run.checkRow(place, run.row);
      return 0;
    },
    Moments: (count: number) => ({ count }),
    moments_join: (own: { count: number }, added: number) => ({ count: own.count + added }),
    moments_merge: same,
    moments_merge_group: merge,

    gradient_at: (i: number, row: number) => {
      const before = run.touched.length;
      run.checkRow(run.read(i), row);
      if (run.touched.length === before) throw new Error(`${i} is added twice`);
      return { dz: 0, centered: 0 };
    },
    sum_add: zero,
    sums_add_group: merge,

    terms_at: same,
    terms_of: () => run.channel,
    result_at: result,
    result_of: kernel === 'forward_single' ? (_x: number, i: number, rows: number, terms: number) => result(i, rows, terms) : () => -1,
    write_result: (i: number, of: number) => {
      const place = run.placeOf(i);
      if (of === -1) { // gradients kept: row and channel are not in result_of
        run.checkRow(place, run.row);
        run.checkChannel(place, run.channel);
      } else if (of !== i) throw new Error(`the result of ${of} is written to ${i}`);
      run.writes[place]++;
      if (i === run.params.flat_odd) run.oddWords.push(place);
    },

    load_partials: (at: number) => {
      run.channel = at % params.channels;
      run.touched.push(run.channel); // for merge, above, to check
      mark(at);
      return 0;
    },
    store_partials: mark, store_moments: markMerged, store_sums: markMerged,
  };
}

interface Compiled {
  program: Program;
  params: Run['params'];
  nested: number[][];
}

const programs = new Map<string, Compiled>();

/** A kernel's index parts, ready to run with this tile. */
function programOf(kernel: KernelName, tile: Tile, absent: Variant['absent']): Compiled {
  const key = JSON.stringify([kernel, tile, absent]);
  const known = programs.get(key);
  if (known) return known;
  const variant: Variant = { kernel, absent, tile, storage: 'f32', activation: { name: 'none', key: 'none' }, frozen: false, inPlace: false };
  const texts = partsInScope(variant).filter(({ file }) => INDEX_PARTS.includes(file)).map(({ text }) => text);
  const params = {};
  const around = surroundings(kernel, tile, params);
  const { code, nested } = javaScriptOf([...texts, sourceOf(`kernels/${kernel}.wgsl`).text].join('\n'));
  const program = new Function(...Object.keys(around), `return (() => {\n${code}return { main };\n})();`)(...Object.values(around)) as Program;
  const compiled = { program, params, nested };
  programs.set(key, compiled);
  return compiled;
}

/** The uniform block as the kernel reads it. */
function uniformOf(dispatch: Dispatch): Record<string, number> {
  const view = new DataView(new ArrayBuffer(PARAMS_BYTES));
  writeParams(view, dispatch.params);
  return Object.fromEntries(PARAMS.map(([name, type], i) => [name, type === 'u32' ? view.getUint32(4 * i, true) : view.getFloat32(4 * i, true)]));
}

/** Runs the threads of every group, or those that `threads` gives for a dispatch. */
function runAll(
  into: Run, kernel: KernelName, dispatches: readonly Dispatch[], absent: Variant['absent'] = [],
  threads: (dispatch: Dispatch) => Iterable<number> = everyThread,
): Run {
  run = into;
  run.reduces = (KERNELS[kernel] as Kernel).role !== 'finalize';
  for (const dispatch of dispatches) {
    const { program, params } = programOf(kernel, dispatch.tile, absent);
    run.begin(dispatch);
    Object.assign(params, run.params);
    const { grid: [x, y], tile } = dispatch;
    for (const thread of threads(dispatch)) {
      const group = Math.floor(thread / tile.groupSize);
      run.thread++;
      run.touched = [];
      run.row = run.channel = -1;
      run.loops = [];
      program.main(thread % tile.groupSize, { x: group % x, y: Math.floor(group / x) }, { x, y });
    }
  }
  return run;
}

function* everyThread({ grid: [x, y], tile }: Dispatch): Iterable<number> {
  for (let thread = 0; thread < x * y * tile.groupSize; thread++) yield thread;
}

// ---- the claims ------------------------------------------------------------------------------------------------------

const all = (counts: Uint8Array, want: number) => counts.findIndex((count) => count !== want) === -1;

/** Members of each channel of a workgroup: each of 0 … members − 1 once, or a merge would miss or repeat one. */
function checkMembers({ params: p, tile }: Dispatch): void {
  const found = new Map<number, number[]>();
  for (let i = 0; i < p.tile_channels * p.members; i++) {
    const place = Math.floor(i / p.channel_step) % p.tile_channels;
    const member = (Math.floor(i / p.outer_step) % p.outer_members) * p.inner_members + (Math.floor(i / p.inner_step) % p.inner_members);
    found.set(place, [...(found.get(place) ?? []), member]);
  }
  for (const members of found.values()) expect(members.sort((a, b) => a - b)).toEqual(Array.from({ length: p.members }, (_, member) => member));
  expect(found.size).toBe(p.tile_channels);
  expect(p.tile_channels * p.members).toBeLessThanOrEqual(tile.groupSize);
  expect(p.members_ceil >= p.members && p.members_ceil < 2 * p.members && Number.isInteger(Math.log2(p.members_ceil))).toBe(true);
}

/** A uniform holds what its field's type can, and the grid what the device can. */
function checkDispatch(dispatch: Dispatch, limits: PlanLimits): void {
  for (const [name, type] of PARAMS) {
    const value = dispatch.params[name];
    if (type === 'u32' ? value !== value >>> 0 : !Number.isFinite(value)) throw new Error(`${name} is ${value}`);
  }
  expect(Math.max(...dispatch.grid)).toBeLessThanOrEqual(limits.maxComputeWorkgroupsPerDimension);
  expect(dispatch.tile.groupSize).toBeLessThanOrEqual(limits.maxComputeInvocationsPerWorkgroup);
}

/** Windows follow each other, each within one buffer, at a multiple of 256 bytes there, and small enough to be bound. */
function checkWindows(dispatches: readonly Dispatch[], elements: number, storage: Storage, cuts: readonly number[], limit: number): void {
  const windows = [...new Set(dispatches.map(({ window }) => window))];
  const bytes = storage === 'f32' ? 4 : 2;
  let end = 0;
  for (const window of windows) {
    expect(window.start).toBe(end);
    expect(window.end).toBeGreaterThan(window.start);
    const from = [0, ...cuts].findLast((cut) => cut <= window.start)!;
    expect(((window.start - from) * bytes) % 256).toBe(0);
    expect(cuts.filter((cut) => cut > window.start && cut < window.end)).toEqual([]);
    expect(storageBytes(window.end - window.start, storage)).toBeLessThanOrEqual(limit);
    end = window.end;
  }
  expect(end).toBe(elements);
}

interface Choice extends Omit<PlanChoice, 'storage' | 'cuts'> {
  geometry: Geometry;
  storage: Storage;
  cuts: number[];
  limits: PlanLimits;
  masked: boolean;
}

/** Every partial of every part is written once, and read once by each of the kernels that merge them. */
function checkParts(made: Plan, geometry: Geometry, part: number, read: (kernel: KernelName, words: number) => Run): void {
  const { reduce, finalize, parts } = made;
  const { channels } = geometry;
  // Where there is one part it is the caller's own.
  let first = parts === 1 ? part : 0;
  for (const { params } of reduce) {
    expect(params.part_base).toBe(first);
    first += params.parts;
  }
  expect(first).toBe(parts === 1 ? part + 1 : parts);
  expect(made.momentsBytes).toBe(parts * 4 * channels * 4);
  expect(made.gradientBytes).toBe(parts * 2 * channels * 4);
  expect(finalize.params.part_base).toBe(part);
  expect(finalize.params.inner_size).toBe(parts);
  for (const [kernel, planes, finishes, merges] of [
    ['moments_partial', 4, 'moments_finalize', 'moments_merge'], ['gradient_partial', 2, 'gradient_finalize', 'gradient_merge'],
  ] as const) {
    const block = planes * channels;
    const { partials } = read(kernel, (parts === 1 ? part + 1 : parts) * block);
    expect(all(partials.subarray(parts === 1 ? part * block : 0), 1), `${kernel} writes every partial once`).toBe(true);
    if (parts === 1) expect(all(partials.subarray(0, part * block), 0), `${kernel} leaves other parts alone`).toBe(true);
    const finished = runAll(new Run(geometry, parts * block), finishes, [finalize]);
    expect(all(finished.partials, 1), `${finishes} reads every partial once`).toBe(true);
    const merged = runAll(new Run(geometry, parts * block, (part + 1) * block), merges, [finalize]);
    expect(all(merged.partials, 1), `${merges} reads every partial once`).toBe(true);
    expect(all(merged.merged.subarray(part * block), 1) && all(merged.merged.subarray(0, part * block), 0), `${merges} writes part ${part}`).toBe(true);
  }
}

/** Everything a plan promises of its iterations. */
function check({ geometry, limits, masked, ...choice }: Choice): Plan {
  const { storage, cuts, part = 0 } = choice;
  const { channels } = geometry;
  const elements = geometry.rows * channels;
  const made = plan(geometry, DEFAULTS, choice, limits);
  const { kind, reduce, finalize, apply, parts } = made;
  const absent: Variant['absent'] = masked ? ['validRows'] : ['mask', 'validRows'];
  const tiles = tilesOf(geometry, choice.adapterClass, limits, storage);
  for (const dispatch of [...reduce, finalize, ...apply]) checkDispatch(dispatch, limits);
  for (const dispatch of [...reduce, finalize, ...apply.filter(({ tile }) => tile.across !== 'flat')]) checkMembers(dispatch);
  for (const { tile, params } of reduce) expect(tile.grouped || params.members === 1).toBe(true);
  for (const { tile } of reduce) expect(tiles[kind === 'single' ? 'single' : 'reduce']).toContainEqual(tile);
  for (const { tile } of apply) expect(tiles.apply).toContainEqual(tile);
  expect(tiles.finalize).toContainEqual(finalize.tile);
  checkWindows(reduce, elements, storage, cuts, limits.maxStorageBufferBindingSize);

  const read = (kernel: KernelName, words: number) => {
    const done = runAll(new Run(geometry, words), kernel, reduce, absent);
    const values = elements / reduce[0].tile.width;
    expect(done.readers.subarray(0, values).indexOf(0), `${kernel} reads every Value`).toBe(-1);
    return done;
  };
  if (kind === 'single') {
    expect([reduce.length, parts]).toEqual([1, 1]);
    const values = elements / reduce[0].tile.width;
    for (const kernel of ['forward_single', 'backward_single'] as const) {
      expect(all(read(kernel, 0).writes.subarray(0, values), 1), `${kernel} writes every Value once`).toBe(true);
    }
  } else checkParts(made, geometry, part, read);

  checkWindows(apply, elements, storage, cuts, limits.maxStorageBufferBindingSize);
  const { width, across } = apply[0].tile;
  const written = runAll(new Run(geometry), 'normalize', apply, absent);
  const words = Math.ceil(elements / width);
  expect(all(written.writes.subarray(0, words), 1), 'normalize writes every Value, or word, once').toBe(true);
  expect(across === 'flat').toBe(storage !== 'f32' && reduce[0].tile.width === 1);
  expect(written.oddWords).toEqual(across === 'flat' && elements % 2 === 1 ? [words - 1] : []);
  return made;
}

const geometryOf = (layout: Layout, batch: number, channels: number, spatial: number): Geometry =>
  layout === 'channelsLast' ? { layout, batch: batch * spatial, channels, spatial: 1, rows: batch * spatial }
    : { layout, batch, channels, spatial, rows: batch * spatial };

/** Sizes at which something changes: small, multiples of 4, and whatever else. */
const size = (max: number) => fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: max / 4 }).map((n) => 4 * n), fc.integer({ min: 1, max }));

/** Tensors of up to `most` elements, and everything else a plan depends on. */
const choices = (most: number) => fc
  .record({
    layout: fc.constantFrom<Layout>('channelsLast', 'channelsFirst'),
    channels: size(600), spatial: size(2000), elements: fc.oneof(fc.integer({ min: 1, max: most }), fc.integer({ min: most / 2, max: most })),
    storage: fc.constantFrom<Storage>('f32', 'f32', 'f16', 'bf16'),
    adapterClass: fc.constantFrom<AdapterClass>('hardware', 'software'),
    kind: fc.constantFrom<PlanKind | undefined>(undefined, undefined, 'single', 'split'),
    single: fc.constantFrom(true, true, false), masked: fc.boolean(), part: fc.integer({ min: 0, max: 2 }),
    binding: fc.oneof(fc.integer({ min: 4096, max: 12_000 }), fc.integer({ min: 4096, max: 65536 }), fc.constant(2 ** 27)),
    invocations: fc.constantFrom(256, 128),
    groups: fc.constantFrom(65535, 60),
    cuts: fc.oneof(fc.constant([]), fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 })),
  })
  .filter(({ channels, spatial, elements }) => channels * spatial <= Math.max(elements, most / 2))
  .map(({ layout, channels, spatial, elements: wanted, binding, invocations, groups, cuts, storage, ...choice }): Choice => {
    const geometry = geometryOf(layout, Math.max(1, Math.floor(wanted / (channels * spatial))), channels, spatial);
    const elements = geometry.rows * channels;
    const unit = storage === 'f32' ? 64 : 128;
    return {
      ...choice, geometry, storage,
      cuts: [...new Set((cuts as readonly number[]).map((at) => Math.floor((at * elements) / unit) * unit))].filter((cut) => cut > 0 && cut < elements).sort(
        (a, b) => a - b,
      ),
      limits: { maxComputeInvocationsPerWorkgroup: invocations, maxComputeWorkgroupsPerDimension: groups, maxStorageBufferBindingSize: binding },
    };
  });

describe('every index of every thread', () => {
  it('control: one window, one dispatch; and the same tensor in windows', () => {
    const geometry = geometryOf('channelsFirst', 5, 7, 60);
    const choice = { geometry, storage: 'f32', adapterClass: 'hardware', cuts: [], limits: LIMITS, masked: true } as const;
    expect(check({ ...choice, cuts: [] }).kind).toBe('single');
    const split = check({ ...choice, kind: 'split', cuts: [64, 1024] });
    expect([...new Set(split.apply.map(({ window }) => window))]).toEqual([{ start: 0, end: 64 }, { start: 64, end: 1024 }, { start: 1024, end: 2100 }]);
  });

  const anyPlan = (numRuns: number) => {
    fc.assert(
      fc.property(choices(12_000), ({ limits, geometry, ...choice }) => {
        const bytes = storageBytes(geometry.rows * geometry.channels, choice.storage);
        const whole = choice.cuts.length === 0 && bytes <= limits.maxStorageBufferBindingSize;
        if (whole || choice.kind !== 'single' || !choice.single) check({ ...choice, geometry, limits });
        else {
          expect(() => plan(geometry, DEFAULTS, choice, limits, 'call')).toThrow(
            `call: "plan" is 'single', needs each tensor in one buffer, at most ${limits.maxStorageBufferBindingSize} bytes of it ` +
              `(maxStorageBufferBindingSize). Use 'split'.`,
          );
        }
      }),
      { numRuns, seed: 20261122 },
    );
  };
  it('any plan of any shape', () => anyPlan(30));
  it('any plan of any shape, 150 of them', { tags: ['long'] }, () => anyPlan(150));

  const oneDispatch = (numRuns: number) => {
    fc.assert(
      fc.property(choices(12_000), (choice) => {
        check({ ...choice, kind: 'single', single: true, cuts: [], limits: { ...choice.limits, maxStorageBufferBindingSize: 2 ** 27 } });
      }),
      { numRuns, seed: 20261122 },
    );
  };
  it('one dispatch for all that can have one', () => oneDispatch(15));
  it('one dispatch for all that can have one, 80 of them', { tags: ['long'] }, () => oneDispatch(80));

  it('larger tensors', { tags: ['long'] }, () => {
    fc.assert(
      fc.property(choices(120_000), (choice) => void check({ ...choice, kind: undefined, limits: LIMITS })),
      { numRuns: 25, seed: 20261122 },
    );
  });
});

describe('where rows are masked', () => {
  /** As many rows as one dispatch takes, or nearly: of one line and of many, of whole Values and of single ones. */
  const tensors = [
    geometryOf('channelsLast', MAX_ITERATIONS, 8, 1), geometryOf('channelsFirst', 1, 3, 8 * 4 * MAX_ITERATIONS),
    geometryOf('channelsFirst', 1, 3, 8 * MAX_ITERATIONS - 1), geometryOf('channelsFirst', 128, 1, 8 * 4 * 126),
  ];
  const masks: Record<string, (row: number, rows: number) => boolean> = {
    'every row': () => true, 'no row': () => false, 'the first row': (row) => row === 0, 'every other row': (row) => row % 2 === 1,
    'the second half': (row, rows) => 2 * row > rows, 'one of a hundred': (row) => row % 100 === 7, 'all but one thread’s': (row) => (row >> 2) % 8 > 0,
  };

  const counted = (mask: string, adapterClass: 'hardware' | 'software') => {
    for (const geometry of adapterClass === 'hardware' ? [tensors[0], tensors[3]] : tensors) {
      const limits = { ...LIMITS, maxComputeInvocationsPerWorkgroup: 8 };
      const { reduce } = plan(geometry, DEFAULTS, { adapterClass, kind: 'single' }, limits);
      const { tile, params } = reduce[0];
      expect(tile.unrolled).toBe(adapterClass === 'hardware');
      const wide = tile.across === 'rows' ? tile.width : 1;
      const valid =
        (row: number) => Array.from({ length: wide }, (_, k) => Number(masks[mask](wide * row + k, geometry.rows))).reduce((sum, one) => sum + one, 0);
      const done = new Run(geometry, 0, 0, true, valid); // each thread compares its count with what it read
      const loops: Loop[] = [];
      for (let thread = 0; thread < tile.groupSize; thread++) {
        runAll(done, 'forward_single', reduce, ['validRows'], () => [thread]);
        loops.push(...done.loops);
      }
      for (let place = 0; place < done.elements / tile.width; place++) {
        const { channel, row } = done.truthOf(place);
        if (channel < params.tile_channels && valid(row) > 0 && done.readers[place] === 0) throw new Error(`Value ${place} counts and is not read`);
      }
      const { nested } = programOf('forward_single', tile, ['validRows']);
      const outermost = [...new Set(loops.map(({ number }) => number))];
      const passes = outermost.reduce((sum, number) => sum + passesOf(loops.filter((of) => of.number === number), nested, number), 0);
      expect(passes).toBeGreaterThan(100);
      expect(passes).toBeLessThan(65535);
    }
  };
  const quick = [['one of a hundred', 'software'], ['every other row', 'hardware']] as const;
  const every = [...Object.keys(masks).map((mask) => [mask, 'software'] as const), ['one of a hundred', 'hardware'] as const];
  it.each(quick)('%s counts: each is read, counted once, and within llvmpipe’s turns; %s plan', counted);
  it.each(every)('%s counts: each is read, counted once, and within llvmpipe’s turns; %s plan, each mask', { tags: ['long'] }, counted);
});

describe('tensors too large to be walked here', () => {
  const large = fc
    .record({
      layout: fc.constantFrom<Layout>('channelsLast', 'channelsFirst'),
      channels: fc.oneof(size(8), size(4096), size(100_000)), spatial: fc.oneof(size(8), size(10_000), size(2 ** 26)),
      elements: fc.double({ min: 24, max: 32, noNaN: true }).map((power) => Math.min(0xffffffff, Math.floor(2 ** power))),
      storage: fc.constantFrom<Storage>('f32', 'f16', 'bf16'),
      adapterClass: fc.constantFrom<AdapterClass>('hardware', 'software'),
      binding: fc.constantFrom(2 ** 27, 2 ** 31 - 4, 2 ** 32 - 4, 2 ** 36),
    })
    .filter(({ channels, spatial, elements }) => channels * spatial <= elements);

  /** Seeds for threads: each call gives the next of a fixed series. */
  const series = (seed: number) => () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);

  function checkLarge(geometry: Geometry, storage: Storage, adapterClass: AdapterClass, binding: number, random: () => number): void {
    const limits = { ...LIMITS, maxStorageBufferBindingSize: binding };
    const { reduce, finalize, apply } = plan(geometry, DEFAULTS, { adapterClass, storage, kind: 'split' }, limits);
    checkWindows(reduce, geometry.rows * geometry.channels, storage, [], binding);
    checkWindows(apply, geometry.rows * geometry.channels, storage, [], binding);
    for (const dispatch of [...reduce, finalize, ...apply]) {
      checkDispatch(dispatch, limits);
      const { params: p } = dispatch;
      for (const most of [
        p.inner_size + 8 * p.inner_members, p.outer_size + p.outer_members, p.inner_parts * p.inner_per_part, (p.parts / p.inner_parts) * p.outer_per_part,
        p.flat_words + p.flat_groups * dispatch.tile.groupSize,
      ]) expect(most, 'what a loop asks before it stops').toBeLessThan(2 ** 32);
    }
    const some = (dispatches: Dispatch[]) => [...new Set([dispatches[0], dispatches[random() % dispatches.length], dispatches.at(-1)!])];
    const threads = ({ grid: [x, y], tile }: Dispatch) => [random() % (x * y * tile.groupSize), x * y * tile.groupSize - 1];
    const sampled = () => new Run(geometry, 0, 0, false);
    runAll(sampled(), 'gradient_partial', some(reduce), ['validRows'], threads);
    runAll(sampled(), 'normalize', some(apply), ['validRows'], threads);
  }

  it.each([
    ['channelsLast', 0xffffffff, 1, 1], ['channelsLast', 127, 2 ** 25, 1], ['channelsFirst', 1, 1, 0xffffffff], ['channelsFirst', 0xffffffff, 1, 1],
    ['channelsFirst', 127, 2 ** 25 + 1, 1], ['channelsLast', 65535, 65537, 1], ['channelsFirst', 3, 5, 0x11111111], ['channelsFirst', 1, 1, 0xfffffffc],
  ] as const)('%s, batch %i, channels %i, spatial %i: the most elements there can be', (layout, batch, channels, spatial) => {
    for (const storage of ['f32', 'f16'] as const) {
      for (const adapterClass of ['hardware', 'software'] as const) {
        checkLarge(geometryOf(layout, batch, channels, spatial), storage, adapterClass, 2 ** 36, series(1));
      }
    }
  });

  it('what a loop may ask before it stops fits u32, and some threads take what they should', () => {
    fc.assert(
      fc.property(large, fc.nat(), ({ layout, channels, spatial, elements, storage, adapterClass, binding }, seed) => {
        checkLarge(geometryOf(layout, Math.floor(elements / (channels * spatial)), channels, spatial), storage, adapterClass, binding, series(seed));
      }),
      { numRuns: 60, seed: 20261122 },
    );
  });
});

describe('the parts that a caller brings', () => {
  it.each([[1, 3, 0], [2, 64, 1], [7, 600, 2], [1000, 5, 0], [65536, 4, 0]])('%i parts of %i channels, to part %i', (parts, channels, part) => {
    const geometry = geometryOf('channelsLast', 1, channels, 1);
    for (const adapterClass of ['hardware', 'software'] as const) {
      const finalize = planMerge({ layout: 'channelsLast', channels }, parts, DEFAULTS, { adapterClass, part }, LIMITS);
      checkDispatch(finalize, LIMITS);
      checkMembers(finalize);
      for (const [kernel, planes] of [['moments_finalize', 4], ['gradient_finalize', 2], ['moments_merge', 4], ['gradient_merge', 2]] as const) {
        const block = planes * channels;
        const { partials, merged } = runAll(new Run(geometry, parts * block, (part + 1) * block), kernel, [finalize]);
        expect(all(partials, 1)).toBe(true);
        expect(all(merged.subarray(part * block), kernel.endsWith('merge') ? 1 : 0)).toBe(true);
        expect(all(merged.subarray(0, part * block), 0)).toBe(true);
      }
    }
  });
});

it('control: the parts that are run are all there', () => {
  const parts = SOURCES.map(({ file }) => file);
  for (const part of INDEX_PARTS) expect(parts).toContain(part);
});

it('a thread has registers for as many iterations as the planner gives it', () => {
  const text = readFileSync(new URL('../../shaders/walk/registers.wgsl', import.meta.url), 'utf8');
  expect(/^const REGISTER_ITERATIONS = (\d+)u;$/m.exec(text)?.[1]).toBe(String(REGISTER_ITERATIONS));
});
