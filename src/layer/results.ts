import type { Backend, Tensor } from '../backend/backend.js';
import type { Storage } from '../core/storage.js';

/** Shapes whose results are kept for reuse; the one unused longest is freed. */
const MAX_SHAPES = 16;

/** What a layer writes where the caller gives no tensor: by shape, reused by the next call of that shape. */
export class Results {
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

/** A shape as text. */
export const keyOf = (tensor: Tensor): string => tensor.shape.join(', ');
