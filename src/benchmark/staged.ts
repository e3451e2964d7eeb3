import elementwiseText from '../../shaders/benchmark/staged_elementwise.wgsl?raw';
import groupText from '../../shaders/benchmark/staged_group.wgsl?raw';
import sumText from '../../shaders/benchmark/staged_sum.wgsl?raw';
import walkText from '../../shaders/walk/walk.wgsl?raw';
import { type Argument, checkView } from '../core/buffers.js';
import { COPY_DST, STORAGE, UNIFORM } from '../core/gpuFlags.js';
import { DEFAULTS } from '../core/options.js';
import { inScopes } from '../core/scope.js';
import { PARAMS_BYTES, paramsWgsl, writeParams } from '../plan/params.js';
import { type Dispatch, classOf, plan } from '../plan/plan.js';
import type { Tile } from '../plan/tiles.js';
import type { AdapterClass, PlanKind } from '../core/options.js';
import { constantsWgsl } from '../shader/declarations.js';
import { SAVED_PLANES, savedBytes } from '../core/saved.js';
import { geometryOf } from '../core/shape.js';

/** The backward pass a step at a time, ready to be recorded. */
export interface StagedBackward {
  /** Computes what a staged forward keeps for its backward: centered, xHat, std. Once per x, before `record`; not timed. */
  recordForward(pass: GPUComputePassEncoder): void;
  /** Records the nine steps. */
  record(pass: GPUComputePassEncoder): void;
  /** 9, or 13 where the rows of the four column sums are cut into parts; with a kernel for each operation 12 or 16. */
  readonly dispatches: number;
  /**
   * Read and written by the nine steps: 4 · channels · (16 · rows + 14), 14 being the vectors; with a kernel for each
   * operation 19 · rows. And 32 · channels for each slot of partial sums where a sum is a pair (four of them).
   */
  readonly bytes: number;
  /** Frees the intermediates; the caller's buffers stay. */
  dispose(): void;
}

type Matrix =
  | 'x' | 'dy' | 'centered' | 'xHat' | 'dxHat' | 'dcenteredByXHat' | 'dsquared' | 'dcenteredBySquared' | 'dcentered'
  | 'partials' | 'dx';
/** The graph's std is `deviation` here: WGSL reserves the word. */
type Vector = 'gamma' | 'mean' | 'invStd' | 'deviation' | 'dbeta' | 'dgamma' | 'dinvStd' | 'dstd' | 'dvariance' | 'dmean';

/** A node of the graph. Formulas are WGSL over the names of what is read, and `value` in a term. */
interface Step {
  name: string;
  /** Matrices at this element, vectors at its channel. */
  reads?: readonly Matrix[];
  vectors?: readonly Vector[];
  /** What is passed on, a matrix, or a vector where nothing of the step is a matrix. */
  value?: readonly [into: Matrix | Vector, formula: string];
  /** What is summed over the rows. */
  sum?: readonly [into: Vector, term: string];
}

const FORWARD: readonly Step[] = [
  { name: 'centered', reads: ['x'], vectors: ['mean'], value: ['centered', 'x - mean'] },
  { name: 'std', vectors: ['invStd'], value: ['deviation', '1.0 / inv_std'] },
  { name: 'xHat', reads: ['centered'], vectors: ['invStd'], value: ['xHat', 'centered * inv_std'] },
];

/** The twin of src/reference/staged.ts, whose numbering this is. dscaled is dy: passing it on moves nothing. */
const BACKWARD: readonly Step[] = [
  { name: '9 y = scaled + beta', reads: ['dy'], sum: ['dbeta', 'dy'] },
  { name: '8 scaled = gamma · xHat', reads: ['dy', 'xHat'], vectors: ['gamma'], value: ['dxHat', 'dy * gamma'], sum: ['dgamma', 'dy * x_hat'] },
  { name: '7 xHat = centered · invStd', reads: ['dxHat', 'centered'], vectors: ['invStd'], value: ['dcenteredByXHat', 'dx_hat * inv_std'],
    sum: ['dinvStd', 'dx_hat * centered'] },
  { name: '6 invStd = 1 / std', vectors: ['dinvStd', 'deviation'], value: ['dstd', '-dinv_std / (deviation * deviation)'] },
  { name: '5 std = √(variance + eps)', vectors: ['dstd', 'deviation'], value: ['dvariance', '0.5 * dstd / deviation'] },
  { name: '4 variance = Σ squared / rows', vectors: ['dvariance'], value: ['dsquared', 'dvariance * INV_ROWS'] },
  { name: '3 squared = centered²', reads: ['centered', 'dsquared'], value: ['dcenteredBySquared', '2.0 * centered * dsquared'] },
  { name: '2 centered = x − mean', reads: ['dcenteredByXHat', 'dcenteredBySquared'], value: ['dcentered', 'dcentered_by_x_hat + dcentered_by_squared'],
    sum: ['dmean', '-value'] },
  { name: '1 mean = Σ x / rows', reads: ['dcentered'], vectors: ['dmean'], value: ['dx', 'dcentered + dmean * INV_ROWS'] },
];

/**
 * Scratch matrices, each used again once nothing reads what it held, as a framework's allocator would. The
 * forward's centered and xHat are kept from step to step and have their own.
 */
const SCRATCH: Partial<Record<Matrix, string>> = {
  dxHat: 'scratch 1', dsquared: 'scratch 1', dcentered: 'scratch 1', dcenteredByXHat: 'scratch 2', dcenteredBySquared: 'scratch 3',
};

const VECTORS: readonly (Matrix | Vector)[] = ['deviation', 'dinvStd', 'dstd', 'dvariance', 'dmean', 'dgamma', 'dbeta'];

/**
 * What one kernel runs: a whole node, whose gradients come from one read; or one operation, each output from a
 * read of its own, as a framework has it that differentiates by a rule for each output.
 */
export type StagedGrain = 'node' | 'operation';

function grainsOf(step: Step, grain: StagedGrain): Step[] {
  const { name, value, sum } = step;
  if (grain === 'node' || !value || !sum) return [step];
  const only = (formula: string, given: Step): Step => {
    const named = (other: string) => new RegExp(`\\b${snakeCase(other)}\\b`).test(formula);
    return { ...given, reads: step.reads?.filter(named), vectors: step.vectors?.filter(named) };
  };
  const [matrix, formula] = value;
  const [into, term] = sum;
  return [
    only(formula, { name: `${name}, ${matrix}`, value }),
    term === '-value' // a sum of what was passed on
      ? { name: `${name}, ${into}`, reads: [matrix as Matrix], sum: [into, `-${snakeCase(matrix)}`] }
      : only(term, { name: `${name}, ${into}`, sum }),
  ];
}

interface Recorded {
  pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
  dispatch: Dispatch;
  bytes: number;
}

/**
 * Makes the nine-step backward of the computational graph as single-operation kernels, with its intermediates in
 * memory, as a framework without fusion runs it: what the closed form is measured against, and nothing else.
 *
 * Each step is one kernel (unless `grain` says otherwise): a product's two gradients come from one read. Each is cut as the library's own
 * plan cuts the shape, so that the two differ in what they fuse and not in how they walk. A column sum over
 * rows that are cut into parts has a second kernel, which adds the parts. On a software adapter no barrier stands.
 * Reverse-mode differentiation of Ioffe & Szegedy 2015, Algorithm 1 — https://arxiv.org/abs/1502.03167
 *
 * The mean is taken as one f32, so data far from 0 (|mean| ≫ deviation) lose digits that the library keeps.
 *
 * @param shape - channels-last.
 * @param buffers - f32, owned by the caller, bound now, sizes in elements: reads `x` and `dy` rows·channels, `gamma`
 *   channels, `saved` as the library's forward fills it; writes `dx` rows·channels, `dgamma` and `dbeta` channels.
 *   Makes five matrices of rows·channels of its own.
 * @param adapterClass - how the work is cut. Default: read off the device's `adapterInfo`.
 * @param kind - of the library's plan. Default: the one the shape gets.
 * @param grain - what one kernel runs. Default a node: the fewest reads that nine steps can do with.
 * @throws {RangeError} {TypeError} a buffer is smaller than its size above, or lacks STORAGE usage.
 * @throws {Error} a kernel did not compile, or there is no memory for the intermediates.
 */
export async function createStagedBackward(
  device: GPUDevice,
  shape: { rows: number; channels: number },
  buffers: Record<'x' | 'dy' | 'gamma' | 'saved' | 'dx' | 'dgamma' | 'dbeta', GPUBuffer>,
  adapterClass: AdapterClass = classOf(device.adapterInfo),
  kind?: PlanKind,
  grain: StagedGrain = 'node',
): Promise<StagedBackward> {
  const call = 'createStagedBackward';
  const { limits } = device;
  const { rows, channels } = shape;
  const geometry = geometryOf(call, 'channelsLast', channels, { rows });
  const [matrixBytes, vectorBytes] = [rows * channels * 4, channels * 4];
  for (const name of ['x', 'dy', 'gamma', 'saved', 'dx', 'dgamma', 'dbeta'] as const) {
    const bytes = name === 'saved' ? savedBytes(channels) : ['x', 'dy', 'dx'].includes(name) ? matrixBytes : vectorBytes;
    checkView(call, buffers[name], { name, bytes, reads: true, writes: false, windowed: false, rows, parts: 0,
      from: () => `rows ${rows}, channels ${channels}, f32` }, limits, {} as Argument);
  }

  const planOf = (count: number, planKind?: PlanKind) => {
    const { reduce: [first], apply: [last] } = plan({ ...geometry, batch: count, rows: count }, DEFAULTS, { adapterClass, kind: planKind }, limits, call);
    return { reduce: first, apply: last };
  };
  const grouped = adapterClass === 'hardware';
  const { reduce, apply } = planOf(rows, kind);
  const perChannel = planOf(1).apply;
  const slots = reduce.params.parts * (grouped ? 1 : reduce.params.members);
  const finalize = planOf(slots, 'single').reduce;

  const owned = new Map<string, GPUBuffer>();
  const own = (name: string, size: number, usage = STORAGE) => {
    let buffer = owned.get(name);
    if (!buffer) owned.set(name, (buffer = device.createBuffer({ label: `batchnorm/staged ${name}`, size, usage })));
    return buffer;
  };
  const bufferOf = (name: Matrix | Vector): GPUBuffer => {
    if (name === 'mean' || name === 'invStd') return buffers.saved;
    if (name in buffers) return buffers[name as keyof typeof buffers];
    return own(SCRATCH[name as Matrix] ?? name, sizeOf(name));
  };
  const sizeOf = (name: Matrix | Vector) => name === 'partials' ? slots * vectorBytes : isVector(name) ? vectorBytes : matrixBytes;
  const paramsOf = (dispatch: Dispatch): GPUBuffer => {
    const name = `params ${[reduce, apply, perChannel, finalize].indexOf(dispatch)}`;
    if (!owned.has(name)) {
      const bytes = new ArrayBuffer(PARAMS_BYTES);
      writeParams(new DataView(bytes), dispatch.params);
      device.queue.writeBuffer(own(name, PARAMS_BYTES, UNIFORM | COPY_DST), 0, bytes);
    }
    return owned.get(name)!;
  };

  const make = async (step: Step, dispatch: Dispatch, sums?: Matrix | Vector): Promise<Recorded> => {
    const label = `batchnorm/staged ${step.name}`;
    const { code, bindings } = textOf(step, { ...dispatch.tile, grouped });
    const bound: (Matrix | Vector)[] = bindings.map((name) => (name === 'sums' ? sums! : name));
    const resources: GPUBufferBinding[] = [
      { buffer: paramsOf(dispatch) },
      ...bound.map((name) => ({ buffer: bufferOf(name), size: name === 'invStd' ? savedBytes(channels) : sizeOf(name) })),
    ];
    const pipeline = await pipelineOf(device, label, code, { INV_ROWS: 1 / rows });
    const layout = pipeline.getBindGroupLayout(0);
    const bindGroup = device.createBindGroup({ label, layout, entries: resources.map((resource, binding) => ({ binding, resource })) });
    return { pipeline, bindGroup, dispatch, bytes: bound.reduce((total, name) => total + sizeOf(name), 0) };
  };
  const dispatchesOf = (step: Step): Promise<Recorded>[] => {
    if (!step.sum) {
      return [make(step, (step.reads ?? []).length === 0 && isVector(step.value![0]) ? perChannel : apply)];
    }
    const [into] = step.sum;
    if (slots === 1) return [make(step, reduce, into)];
    const merge: Step = { name: `${step.name}, finalize`, reads: ['partials'], sum: [into, 'partials'] };
    return [make(step, reduce, 'partials'), make(merge, finalize, into)];
  };
  const dispose = () => owned.forEach((buffer) => buffer.destroy());
  // When this returns every buffer has been made; pipelines are to come.
  const { value: pending, error } = inScopes(device, ['out-of-memory'], () =>
    [FORWARD, BACKWARD.flatMap((step) => grainsOf(step, grain))].map((steps) => Promise.all(steps.flatMap(dispatchesOf))));
  const [forward, backward] = await Promise.all(pending).catch((error) => {
    dispose();
    throw error;
  });
  const failure = await error;
  if (failure) {
    dispose();
    throw new Error(`${call}: no memory for five matrices of rows ${rows} × channels ${channels}: ${failure.message}`);
  }
  const record = (list: readonly Recorded[]) => (pass: GPUComputePassEncoder) => {
    for (const { pipeline, bindGroup, dispatch: { grid } } of list) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(grid[0], grid[1]);
    }
  };
  return {
    recordForward: record(forward),
    record: record(backward),
    dispatches: backward.length,
    bytes: backward.reduce((total, { bytes }) => total + bytes, 0),
    dispose,
  };
}

const compiled = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>();

/** Compiled once per device and number of rows. */
function pipelineOf(device: GPUDevice, label: string, code: string, constants: Record<string, number>): Promise<GPUComputePipeline> {
  let pipelines = compiled.get(device);
  if (!pipelines) compiled.set(device, (pipelines = new Map()));
  const key = JSON.stringify([code, constants]);
  let pipeline = pipelines.get(key);
  if (!pipeline) {
    const module = device.createShaderModule({ label, code });
    pipeline = device.createComputePipelineAsync({ label, layout: 'auto', compute: { module, entryPoint: 'main', constants } }).catch(async (cause) => {
      const error = (await module.getCompilationInfo()).messages.find(({ type }) => type === 'error');
      throw new Error(`${label} did not compile: ${error ? `line ${error.lineNum}, ${error.message}, in\n${code}` : cause}`, { cause });
    });
    pipelines.set(key, pipeline);
    pipeline.catch(() => pipelines.delete(key));
  }
  return pipeline;
}

/** A step's WGSL, and what it binds, in order from 1. */
function textOf({ reads = [], vectors = [], value, sum }: Step, tile: Tile) {
  const saved = vectors.some((name) => name === 'mean' || name === 'invStd');
  const plain = vectors.filter((name) => name !== 'mean' && name !== 'invStd');
  const inputs: (Matrix | Vector)[] = [...reads, ...(saved ? ['invStd' as const] : []), ...plain];
  const bindings = [...inputs, ...(value ? [value[0]] : []), ...(sum ? ['sums' as const] : [])];
  const declared = bindings.map((name, i) => {
    const variable = name === 'invStd' ? 'saved' : snakeCase(name);
    return `@group(0) @binding(${i + 1}) var<storage, ${i < inputs.length ? 'read' : 'read_write'}> ${variable}: array<Value>;\n`;
  });
  const plane = (name: Vector) => SAVED_PLANES.indexOf(name as (typeof SAVED_PLANES)[number]);
  const vectorAt = (name: Vector) => (plane(name) < 0 ? `${snakeCase(name)}[c]` : `saved[${plane(name)}u * params.channels + c]`);
  const names =
    [...reads.map((name) => `let ${snakeCase(name)} = read.${snakeCase(name)};`),
      ...vectors.map((name) => `let ${snakeCase(name)} = at.${snakeCase(name)};`)].join(' ');
  const code =
    `alias Value = ${tile.width === 4 ? 'vec4f' : 'f32'};\noverride INV_ROWS: f32;\n${constantsWgsl(tile)}const GROUPED = ${tile.grouped};\n` +
    `${paramsWgsl()}@group(0) @binding(0) var<uniform> params: Params;\n` +
    declared.join('') +
    record('Operands', 'operands', 'i', reads.map((name) => [snakeCase(name), `${snakeCase(name)}[i]`])) +
    record('Vectors', 'vectors', 'c', vectors.map((name) => [snakeCase(name), vectorAt(name)])) +
    `fn value_of(read: Operands, at: Vectors) -> Value { ${names} return Value(${value?.[1] ?? '0.0'}); }\n` +
    `fn store_value(i: u32, value: Value) {${value ? ` ${snakeCase(value[0])}[i] = value; ` : ''}}\n` +
    (sum ? `fn term_of(read: Operands, at: Vectors, value: Value) -> Value { ${names} return ${sum[1]}; }\n` : '') +
    walkText +
    (!sum ? elementwiseText : (tile.grouped ? groupText : 'fn add_group(mine: Value, walk: Walk) -> Value { return mine; }\n') + sumText);
  return { code, bindings };
}

/** A struct and the function that loads it; WGSL has no empty ones. */
function record(type: string, name: string, index: string, members: readonly (readonly [name: string, source: string])[]): string {
  const all = members.length > 0 ? members : [['none', 'Value()'] as const];
  return (
    `struct ${type} { ${all.map(([member]) => `${member}: Value`).join(', ')} }\n` +
    `fn ${name}(${index}: u32) -> ${type} { return ${type}(${all.map(([, source]) => source).join(', ')}); }\n`
  );
}

function isVector(name: Matrix | Vector): boolean {
  return VECTORS.includes(name) || name === 'gamma' || name === 'invStd' || name === 'mean';
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
