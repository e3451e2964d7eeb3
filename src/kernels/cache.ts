import type { Argument } from '../core/buffers.js';

interface Node<T> {
  /** By buffer and, within it, offset. */
  next: WeakMap<GPUBuffer, Map<number, Node<T>>> | null;
  value: T | undefined;
}

type Generation<K extends object, T> = WeakMap<K, Node<T>>;

/** Sets of buffers after which a generation is full. */
export const MAX_SETS = 512;

/**
 * What was made for a list of buffers and offsets, under a key. Each step is a WeakMap, so an entry lives no longer than its
 * key and every buffer in it.
 *
 * Bounded in number: when MAX_SETS have been kept since the last time, those not used since then are dropped.
 */
export class BufferCache<K extends object, T> {
  #young: Generation<K, T> = new WeakMap();
  #old: Generation<K, T> = new WeakMap();
  #count = 0;

  get(key: K, list: readonly Argument[]): T | undefined {
    let node = this.#young.get(key);
    for (let i = 0; i < list.length && node; i++) node = node.next?.get(list[i].buffer)?.get(list[i].offset);
    return node?.value ?? this.#renew(key, list);
  }

  set(key: K, list: readonly Argument[], value: T): void {
    if (this.#count >= MAX_SETS) {
      this.#old = this.#young;
      this.#young = new WeakMap();
      this.#count = 0;
    }
    let node = this.#young.get(key);
    if (!node) this.#young.set(key, (node = { next: null, value: undefined }));
    for (let i = 0; i < list.length; i++) {
      const { buffer, offset } = list[i];
      node.next ??= new WeakMap();
      let offsets = node.next.get(buffer);
      if (!offsets) node.next.set(buffer, (offsets = new Map()));
      let child = offsets.get(offset);
      if (!child) offsets.set(offset, (child = { next: null, value: undefined }));
      node = child;
    }
    node.value = value;
    this.#count++;
  }

  #renew(key: K, list: readonly Argument[]): T | undefined {
    let node = this.#old.get(key);
    for (let i = 0; i < list.length && node; i++) node = node.next?.get(list[i].buffer)?.get(list[i].offset);
    if (node?.value !== undefined) this.set(key, list, node.value);
    return node?.value;
  }

  /** Forgets what was made under a key. */
  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young = new WeakMap();
    this.#old = new WeakMap();
    this.#count = 0;
  }
}
