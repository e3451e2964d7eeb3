import copyText from '../../shaders/benchmark/copy.wgsl?raw';
import passText from '../../shaders/benchmark/pass.wgsl?raw';
import type { AdapterClass, PlanKind } from '../core/options.js';
import { STORAGE, COPY_DST, COPY_SRC } from '../core/gpuFlags.js';
import { createBatchNorm } from '../kernels/create.js';
import { plan } from '../plan/plan.js';
import { DEFAULTS } from '../core/options.js';
import { geometryOf } from '../core/shape.js';
import { backward } from '../reference/backward.js';
import { forward } from '../reference/forward.js';
import { inputsOf } from '../verify/cases.js';
import { compareAll } from '../verify/run.js';
import { type Expected, type Inputs, type Output, expected } from '../verify/expected.js';
import { abilityRows } from './abilities.js';
import type { Contender } from './measure.js';
import { download, elementwise, inPass, runOnce } from './record.js';
import type { BenchShape } from './shapes.js';
import { createStagedBackward } from './staged.js';

/** What a shape is timed with; `dispose` frees it all. */
export interface Field {
  contenders: Contender[];
  /** Microseconds of the CPU to record one forward and one backward into an open pass, caches warm. */
  recordTime(): number;
  dispose(): void;
}

export interface FieldOptions {
  adapterClass: AdapterClass;
  plan?: PlanKind;
  /** The CPU rows and the staged backward cost seconds at large shapes. */
  cpu: boolean;
  staged: boolean;
  /** Half storage, and fused activations beside the passes they replace. */
  abilities: boolean;
}

/** The rows of the benchmark for one shape: ceilings, this library, its staged twin, its CPU. */
export async function fieldOf(device: GPUDevice, shape: BenchShape, options: FieldOptions): Promise<Field> {
  const { layout, channels, rows, elements } = shape;
  const geometry = geometryOf('benchmark', layout, channels, shape.shape);
  const inputs = inputsOf({ name: '', rows, channels, spatial: layout === 'channelsFirst' ? geometry.spatial : undefined }, 1);
  const bn = await createBatchNorm(device, {
    channels, layout, adapterClass: options.adapterClass, plan: options.plan, modes: ['train', 'infer'], shapes: [shape.shape],
  });
  const owned: GPUBuffer[] = [];
  const parts: { dispose(): void }[] = [bn];
  const upload = (values: Float32Array) => {
    const buffer = device.createBuffer({ label: 'batchnorm/benchmark', size: values.byteLength, usage: STORAGE | COPY_SRC | COPY_DST });
    device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    owned.push(buffer);
    return buffer;
  };
  const blank = (length: number) => upload(new Float32Array(length));
  const [x, dy] = [upload(inputs.x), upload(inputs.dy)];
  const [y, dx] = [blank(elements), blank(elements)];
  const [gamma, beta] = [upload(inputs.gamma!), upload(inputs.beta!)];
  const [runningMean, runningVar] = [upload(inputs.frozenMean), upload(inputs.frozenVar)];
  const [trackedMean, trackedVar] = [upload(inputs.runningMean), upload(inputs.runningVar)];
  const [dgamma, dbeta, saved] = [blank(channels), blank(channels), bn.createSaved()];
  owned.push(saved);

  let want: Expected | null = null;
  const check = (outputs: Partial<Record<Output, GPUBuffer>>, record: (pass: GPUComputePassEncoder) => void) => async () => {
    runOnce(device, record);
    await compareOutputs(device, inputs, (want ??= expected(inputs)), outputs);
  };
  const { kind, reduce } = plan(geometry, DEFAULTS, { adapterClass: options.adapterClass, kind: options.plan }, device.limits);
  const dispatches = kind === 'single' ? 1 : 3;
  const { registers } = reduce[0].tile; // then x and dy are read once
  const recordForward =
    (pass: GPUComputePassEncoder) => bn.forward(pass, { x, gamma, beta, y, saved, runningMean: trackedMean, runningVar: trackedVar }, shape.shape);
  const recordBackward = (pass: GPUComputePassEncoder) => bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, shape.shape);
  const recordInfer = (pass: GPUComputePassEncoder) => bn.infer(pass, { x, gamma, beta, runningMean, runningVar, y }, shape.shape);

  const contenders: Contender[] = [
    {
      name: 'copy (device)', kind: 'gpu', bytes: 8 * elements, dispatches: 0,
      run: (encoder) => encoder!.copyBufferToBuffer(x, 0, y, 0, 4 * elements),
    },
    ...(elements % 4 === 0 ? [
      await elementwise(device, 'copy (vec4 kernel)', copyText, [x], y, 8 * elements, elements),
      await elementwise(device, 'pass: y = a·x + b', passText, [x], y, 8 * elements, elements),
    ] : []),
    inPass('forward', (registers ? 8 : 12) * elements, dispatches, recordForward, check({ y }, recordForward)),
    inPass('backward', (registers ? 12 : 20) * elements, dispatches, recordBackward, check({ dx, dgamma, dbeta }, recordBackward)),
    inPass('inference', 8 * elements, 1, recordInfer, check({ inferY: y }, recordInfer)),
  ];
  if (options.staged && layout === 'channelsLast') {
    const staged = await createStagedBackward(device, { rows, channels }, { x, dy, gamma, saved, dx, dgamma, dbeta }, options.adapterClass, options.plan);
    runOnce(device, (pass) => {
      recordForward(pass);
      staged.recordForward(pass);
    });
    contenders.push(
      inPass('staged backward', staged.bytes, staged.dispatches, (pass) => staged.record(pass), check({ dx, dgamma, dbeta }, (pass) => staged.record(pass))),
    );
    parts.push(staged);
  }
  if (options.abilities) {
    const more = await abilityRows(device, shape, options.adapterClass, options.plan);
    contenders.push(...more.contenders);
    parts.push(more);
  }
  if (options.cpu) contenders.push(...cpuRows(inputs));
  return {
    contenders,
    recordTime: () => recordTime(device, recordForward, recordBackward),
    dispose: () => {
      for (const part of parts) part.dispose();
      for (const buffer of owned) buffer.destroy();
    },
  };
}

/** The CPU fallback as a layer uses it: f32 arrays, f64 arithmetic. */
function cpuRows(inputs: Inputs): Contender[] {
  const { x, dy, gamma, beta, eps } = inputs;
  const [y, dx] = [new Float32Array(x.length), new Float32Array(x.length)];
  const run = () => forward({ x, gamma: gamma!, beta: beta! }, inputs, eps, y);
  const { mean, invStd } = run();
  return [
    { name: 'forward, CPU', kind: 'cpu', bytes: null, dispatches: null, run },
    { name: 'backward, CPU', kind: 'cpu', bytes: null, dispatches: null, run: () => backward({ x, dy, gamma: gamma!, mean, invStd }, inputs, dx) },
  ];
}

function recordTime(device: GPUDevice, ...records: ((pass: GPUComputePassEncoder) => void)[]): number {
  const rounds = 500;
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const record of records) record(pass);
  const start = performance.now();
  for (let i = 0; i < rounds; i++) for (const record of records) record(pass);
  const microseconds = ((performance.now() - start) / rounds) * 1000;
  pass.end(); // never submitted
  return microseconds;
}

/** Throws when an output is beyond the self-test's bound: a wrong answer is not worth timing. */
async function compareOutputs(device: GPUDevice, inputs: Inputs, want: Expected, outputs: Partial<Record<Output, GPUBuffer>>): Promise<void> {
  const got: Partial<Record<Output, Float32Array | Float64Array>> = { ...want };
  for (const [name, buffer] of Object.entries(outputs) as [Output, GPUBuffer][]) got[name] = await download(device, buffer);
  for (const { output, beyond, elements, ratio } of compareAll(inputs, got, want, false)) {
    if (beyond > 0) {
      throw new Error(`benchmark: ${output} is wrong in ${beyond} of ${elements} elements, ${ratio.toPrecision(3)} × its bound. Nothing wrong is timed.`);
    }
  }
}
