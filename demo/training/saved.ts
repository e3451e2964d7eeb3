// A trained pair as text, and back: JSON, the parameters under PyTorch's names and in its shapes.
import { type LoadableState, fromNames, toNames } from '../../src/index.js';
import { dataSetOf } from './data.js';
import type { Both, DataSet, NetName, SavedNet, Settings } from './messages.js';
import { type Net, type NetShape, parametersOf } from './nets/net.js';
import { memoriesOf } from './nets/optimisers.js';
import type { Pair } from './nets/pair.js';
import { checkSettings } from './settings.js';

const FORMAT = 'webgpu-batchnorm training 1';
const NETS: NetName[] = ['batchNorm', 'plain'];
const REMEDY = 'Choose a file that this page has saved.';

/** Row by row, as PyTorch's `tensor.reshape(shape)` takes them. */
export interface SavedTensor {
  shape: number[];
  values: number[];
}

export interface SavedText {
  format: string;
  settings: Settings;
  features: number;
  classes: number;
  steps: number;
  /** A state dict for each net. */
  nets: Both<Record<string, SavedTensor | number>>;
  /** What the optimiser remembers: by the parameter's name, so many tensors of its shape. */
  optimiser: Both<Record<string, SavedTensor[]>>;
}

/** A pair as read, not yet on a device. */
interface Restored {
  settings: Settings;
  writeTo(pair: Pair): void;
}

/**
 * @throws {RangeError} a net has gone to infinity: that is no state to go on from.
 */
export async function saveText({ settings, pair }: { settings: Settings; pair: Pair }): Promise<SavedNet> {
  const { steps, nets, data } = pair;
  const { features, classes } = data.set;
  const [batchNorm, plain] = await Promise.all(NETS.map((name) => readNet(nets[name], steps)));
  const text: SavedText = {
    format: FORMAT, settings, features, classes, steps,
    nets: { batchNorm: batchNorm.state, plain: plain.state }, optimiser: { batchNorm: batchNorm.memory, plain: plain.memory },
  };
  return { file: `${settings.data}-${steps}-steps.json`, text: JSON.stringify(text) };
}

async function readNet(net: Net, batches: number) {
  const { parameters, memory } = await net.read();
  const state: Record<string, SavedTensor | number> = {};
  for (const [i, layer] of net.plan.entries()) {
    for (const [j, { name, shape }] of layer.entries()) {
      const wrong = parameters[i][j].find((value) => !Number.isFinite(value));
      if (wrong !== undefined) {
        throw new RangeError(`save: ${show(name)} of the net ${show(net.kind)} has ${wrong}, needs finite numbers. Start again with a smaller rate or scale.`);
      }
      state[name] = tensorOf(parameters[i][j], shape);
    }
    const norm = net.hidden[i]?.norm;
    if (!norm) continue;
    const [, gamma, beta] = parameters[i];
    const named = toNames({ gamma, beta, ...(await norm.running()), batches }, 'pytorch', `norms.${i}.`);
    for (const [name, value] of Object.entries(named)) state[name] = typeof value === 'number' ? value : tensorOf(value, [value.length]);
  }
  const names = net.plan.flat();
  return { state, memory: Object.fromEntries(memory.map((own, i) => [names[i].name, own.map((values) => tensorOf(values, names[i].shape))])) };
}

/** Nine digits tell every f32 from its neighbours. */
function tensorOf(values: Float32Array, shape: number[]): SavedTensor {
  return { shape, values: Array.from(values, (value) => Number(value.toPrecision(9))) };
}

/**
 * @param own - the visitor's data, where the text is of nets that learned from such.
 * @throws {RangeError} the text is not what `saveText` gave, or of other data.
 */
export function restore(text: string, own: DataSet | undefined): { saved: Restored; set: DataSet } {
  const json = parse(text);
  const settings = checkSettings(json.settings);
  const set = dataSetOf(settings, own);
  const { features, classes, steps } = json;
  if (features !== set.features || classes !== set.classes) {
    throw malformed(`has ${show(features)} features and ${show(classes)} classes`, `${set.features} and ${set.classes} (those of ${set.name})`);
  }
  if (!Number.isSafeInteger(steps) || steps < 0) throw malformed(`"steps" is ${show(steps)}`, 'an integer of at least 0');
  const shape: NetShape = { features, classes, depth: settings.depth, width: settings.width };
  const memories = memoriesOf(settings.optimiser);
  const nets = Object.fromEntries(NETS.map((name) => [name, readState(json, name, shape, memories)])) as Both<ReturnType<typeof readState>>;
  const writeTo = (pair: Pair) => {
    pair.steps = steps;
    for (const name of NETS) {
      const { parameters, memory, running } = nets[name];
      const net = pair.nets[name];
      net.write({ parameters, memory });
      net.hidden.forEach(({ norm }, i) => norm?.setRunning(running[i]));
    }
  };
  return { saved: { settings, writeTo }, set };
}

function parse(text: unknown): SavedText {
  let json: SavedText;
  try {
    json = JSON.parse(String(text));
  } catch (cause) {
    throw Object.assign(malformed(`is no JSON (${(cause as Error).message})`, 'what this page has saved'), { cause });
  }
  if (json?.format !== FORMAT) throw malformed(`has the format ${show(json?.format)}`, show(FORMAT));
  return json;
}

function readState({ nets, optimiser }: SavedText, net: NetName, shape: NetShape, memories: number) {
  const [entries, remembered] = [nets?.[net], optimiser?.[net]];
  if (!isObject(entries) || !isObject(remembered)) throw malformed(`has no state of ${show(net)}`, 'one of each net and its optimiser');
  const plan = parametersOf(net, shape);
  const running: { runningMean: Float32Array; runningVar: Float32Array }[] = [];
  if (net === 'batchNorm') {
    for (let i = 0; i < shape.depth; i++) running.push(readNorm(entries, i, shape.width));
  }
  const names = plan.flat();
  const known = new Set([...names.map(({ name }) => name),
    ...running.flatMap((_, i) => ['running_mean', 'running_var', 'num_batches_tracked'].map((name) => `norms.${i}.${name}`))]);
  for (const name of Object.keys(entries)) if (!known.has(name)) throw malformed(`has ${show(name)} in ${show(net)}`, `only ${[...known].join(', ')}`);
  const parameters = plan.map((layer) => layer.map(({ name, shape }) => read(name, entries[name], shape)));
  const memory = names.map(({ name, shape }) => {
    const own: unknown = remembered[name];
    if (!Array.isArray(own) || own.length !== memories) throw malformed(`has no memory of ${show(name)}`, `${memories} tensors of the optimiser`);
    return own.map((tensor) => read(name, tensor, shape));
  });
  return { parameters, memory, running };
}

/** PyTorch's batch norm by this library's own reader; gamma and beta are among the parameters. */
function readNorm(entries: Record<string, SavedTensor | number>, i: number, channels: number) {
  const prefix = `norms.${i}.`;
  const plain = Object.entries(entries).map(([name, value]) => [name, isObject(value) ? value.values : value]);
  const { runningMean, runningVar } = fromNames(Object.fromEntries(plain), 'pytorch', { channels, prefix }) as Required<LoadableState>;
  return { runningMean: Float32Array.from(runningMean), runningVar: Float32Array.from(runningVar) };
}

function read(name: string, tensor: unknown, shape: number[]): Float32Array {
  const size = shape.reduce((size, axis) => size * axis);
  if (!isObject(tensor) || String(tensor.shape) !== String(shape) || !Array.isArray(tensor.values) || tensor.values.length !== size) {
    throw malformed(`has ${show(name)} of shape [${isObject(tensor) ? tensor.shape : ''}]`, `[${shape}] and as many values`);
  }
  const wrong = tensor.values.find((value: unknown) => typeof value !== 'number' || !Number.isFinite(Math.fround(value)));
  if (wrong !== undefined) throw malformed(`has ${show(wrong)} in ${show(name)}`, 'finite f32 numbers');
  return Float32Array.from(tensor.values);
}

const show = (value: unknown): string => JSON.stringify(value) ?? String(value);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(found: string, needed: string): RangeError {
  return new RangeError(`load: the text ${found}, needs ${needed}. ${REMEDY}`);
}
