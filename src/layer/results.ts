import type { Backend, Tensor } from '../backend/backend.js';
import type { Storage } from '../core/storage.js';

/** Shapes whose results are kept for reuse; the one unused longest is freed. */
const MAX_SHAPES = 16;

/** What a layer writes where the caller gives no tensor: by shape, reused by the next call of that shape. */
class Results {
  readonly #backend: Backend;
  readonly #storage: Storage;
  /** The shape last used comes last; of one shape several where calls read some. */
  readonly #kept = new Map<string, Tensor[]>();
  /** What a pass of the caller's may still write. */
  readonly #recorded = new WeakSet<Tensor>();

  constructor(backend: Backend, storage: Storage) {
    this.#backend = backend;
    this.#storage = storage;
  }

  /** What a call of this shape would write. */
  next(like: Tensor): Tensor | undefined {
    return this.#kept.get(keyOf(like))?.find(({ disposed }) => !disposed);
  }

  /** A tensor to write, none of those given; `keep` makes it the next, `giveBack` leaves everything as it was. */
  take(like: Tensor, apart: readonly (Tensor | null | undefined)[] = []): Tensor {
    const free = this.#kept.get(keyOf(like))?.find((tensor) => !tensor.disposed && !apart.includes(tensor));
    return free ?? this.#backend.empty(like.shape, this.#storage);
  }

  keep(tensor: Tensor, recorded: boolean): void {
    const key = keyOf(tensor);
    const others = (this.#kept.get(key) ?? []).filter((other) => other !== tensor && !other.disposed);
    this.#kept.delete(key); // to the end: last used
    if (this.#kept.size >= MAX_SHAPES) {
      const [oldest, results] = this.#kept.entries().next().value!;
      this.#kept.delete(oldest);
      for (const result of results) if (!this.#recorded.has(result)) result.dispose(); // else an unsubmitted pass may still write it
    }
    this.#kept.set(key, [tensor, ...others]);
    if (recorded) this.#recorded.add(tensor);
  }

  giveBack(tensor: Tensor): void {
    if (!this.#kept.get(keyOf(tensor))?.includes(tensor)) tensor.dispose();
  }

  dispose(): void {
    for (const tensor of [...this.#kept.values()].flat()) tensor.dispose();
  }
}

/** What a call gives beside the statistics. */
export type ResultName = 'y' | 'dx' | 'dresidual';

/** The results of a layer: y, dx and dresidual. */
export class LayerResults {
  readonly #by: Record<ResultName, Results>;

  constructor(backend: Backend, storage: Storage) {
    const results = () => new Results(backend, storage);
    this.#by = { y: results(), dx: results(), dresidual: results() };
  }

  /** What a call of this shape would write. */
  next(name: ResultName, like: Tensor): Tensor | undefined {
    return this.#by[name].next(like);
  }

  /** A tensor to write, none of those given. */
  take(name: ResultName, like: Tensor, apart?: readonly (Tensor | null | undefined)[]): Tensor {
    return this.#by[name].take(like, apart);
  }

  /** Runs what writes the results, which are then kept, but for `out`; where that throws, nothing has changed. */
  carryOut<T>(
    results: Partial<Record<ResultName, Tensor | null>>, { out, pass }: { out?: Tensor; pass?: GPUComputePassEncoder }, run: () => T,
  ): T {
    const taken = (Object.entries(results) as [ResultName, Tensor | null][]).filter(([, tensor]) => tensor && tensor !== out);
    try {
      const done = run();
      for (const [name, tensor] of taken) this.#by[name].keep(tensor!, pass !== undefined);
      return done;
    } catch (cause) {
      for (const [name, tensor] of taken) this.#by[name].giveBack(tensor!);
      throw cause;
    }
  }

  dispose(): void {
    for (const results of Object.values(this.#by)) results.dispose();
  }
}

/** A shape as text. */
export const keyOf = (tensor: Tensor): string => tensor.shape.join(', ');
