import { describe } from '../core/shape.js';
import type { StateTensor } from './state.js';

/** Whose names a state goes by. */
export type Library = 'pytorch' | 'keras' | 'onnx' | 'flax' | 'webnn';

/** What a name stands for. */
export type Entry = StateTensor | 'batches';

/** In the order of Keras's `get_weights()`, which the others share. */
export const TENSORS = ['gamma', 'beta', 'runningMean', 'runningVar'] as const satisfies readonly StateTensor[];

/** The names that are written, and that messages tell. */
export const NAMES: Record<Library, Record<StateTensor, string> & { batches?: string }> = {
  pytorch: { gamma: 'weight', beta: 'bias', runningMean: 'running_mean', runningVar: 'running_var', batches: 'num_batches_tracked' },
  keras: { gamma: 'gamma', beta: 'beta', runningMean: 'moving_mean', runningVar: 'moving_variance' },
  onnx: { gamma: 'scale', beta: 'B', runningMean: 'input_mean', runningVar: 'input_var' },
  flax: { gamma: 'scale', beta: 'bias', runningMean: 'mean', runningVar: 'var' },
  webnn: { gamma: 'scale', beta: 'bias', runningMean: 'mean', runningVar: 'variance' },
};

/** Names that are read too: those of opsets before 14, and those of PyTorch's modules, which its exporter leaves on the initializers. */
const OLD_ONNX = { mean: 'runningMean', var: 'runningVar' } as const;

/** Flax's collections, which stand before the path of the module. */
const COLLECTIONS = { gamma: 'params', beta: 'params', runningMean: 'batch_stats', runningVar: 'batch_stats' } as const;

/** What a library calls so. */
function named(library: Library, name: string): Entry | undefined {
  const own = Object.entries(NAMES[library]).find(([, theirs]) => theirs === name)?.[0] as Entry | undefined;
  if (own || library !== 'onnx') return own;
  return name === 'mean' || name === 'var' ? OLD_ONNX[name] : named('pytorch', name);
}

/** The whole name of an entry as it is written. */
export function nameOf(library: Library, prefix: string, entry: Entry): string {
  const name = prefix + NAMES[library][entry];
  return library === 'flax' && entry !== 'batches' ? `${COLLECTIONS[entry]}/${name}` : name;
}

/** The names that a library's batch norm has. */
export function namesOf(library: Library, prefix: string): string[] {
  return Object.keys(NAMES[library]).map((entry) => nameOf(library, prefix, entry as Entry));
}

/** A name without flax's collection, which parts the path of one module in two. */
export function pathOf(library: Library, name: string): string {
  return library === 'flax' ? name.replace(/^(?:params|batch_stats)[./]/, '') : name;
}

/** What the end of a name says: the entry, or in Keras 3 its place among the variables; undefined where it is none of a batch norm's. */
export function entryOf(library: Library, end: string): Entry | number | undefined {
  if (library === 'keras') {
    const place = /^(?:vars\/)?(\d+)$/.exec(end);
    return place ? Number(place[1]) : named('keras', end.replace(/:\d+$/, ''));
  }
  return named(library, end);
}

/** A name cut where its module's path ends, separator included. */
export function cut(library: Library, name: string): { prefix: string; end: string } {
  const path = pathOf(library, name);
  const at = /(?:[./]|^)vars\/\d+$/.exec(path)?.index ?? Math.max(path.lastIndexOf('.'), path.lastIndexOf('/'));
  const from = at === 0 && path.startsWith('vars/') ? 0 : at + 1;
  return { prefix: path.slice(0, from), end: path.slice(from) };
}

/** Of flax's nested variables the entries by their paths: `params/BatchNorm_0/scale`. */
export function flatten(tree: Readonly<Record<string, unknown>>, path = ''): Record<string, unknown> {
  const flat: [string, unknown][] = [];
  for (const [name, value] of Object.entries(tree)) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
    if (isObject && !('data' in value) && !('dtype' in value)) flat.push(...Object.entries(flatten(value as Record<string, unknown>, `${path}${name}/`)));
    else flat.push([path + name, value]);
  }
  return Object.fromEntries(flat);
}

/** Other libraries that call an entry so. */
export function whoseName(end: string, library: Library): Library | undefined {
  return (Object.keys(NAMES) as Library[]).find((other) => other !== library && named(other, end.replace(/:\d+$/, '')));
}

export function checkLibrary(call: string, library: unknown): asserts library is Library {
  if (typeof library !== 'string' || !Object.hasOwn(NAMES, library)) {
    const list = Object.keys(NAMES).map((name) => `'${name}'`).join(', ');
    throw new RangeError(`${call}: "library" is ${describe(library)}, needs one of ${list}.`);
  }
}
