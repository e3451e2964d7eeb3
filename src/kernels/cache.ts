import type { Argument } from '../plan/checks.js';

interface Node<T> {
  next: WeakMap<GPUBuffer, Map<number, Node<T>>> | null;
  value: T | undefined;
}

/** Offsets remembered of one buffer: an arena that hands out ever new ones must not be remembered whole. */
const MAX_OFFSETS = 256;

/**
 * What was made for a list of buffers and offsets. Each step is a WeakMap keyed by one buffer, so an
 * entry lives no longer than every buffer in it.
 */
export class BufferCache<T> {
  readonly #root: Node<T> = { next: null, value: undefined };

  get(list: readonly Argument[]): T | undefined {
    let node: Node<T> | undefined = this.#root;
    for (let i = 0; i < list.length && node; i++) node = node.next?.get(list[i].buffer)?.get(list[i].offset);
    return node?.value;
  }

  set(list: readonly Argument[], value: T): void {
    let node = this.#root;
    for (let i = 0; i < list.length; i++) {
      const { buffer, offset } = list[i];
      node.next ??= new WeakMap();
      let offsets = node.next.get(buffer);
      if (!offsets) node.next.set(buffer, (offsets = new Map()));
      let child = offsets.get(offset);
      if (!child) {
        if (offsets.size >= MAX_OFFSETS) offsets.clear();
        offsets.set(offset, (child = { next: null, value: undefined }));
      }
      node = child;
    }
    node.value = value;
  }

  clear(): void {
    this.#root.next = null;
  }
}
