export interface Counts {
  /** GPU buffers neither destroyed nor collected. */
  buffers: number;
  bytes: number;
  /** Bind groups not collected. */
  bindGroups: number;
}

declare const gc: (() => void) | undefined;

const live = { buffers: 0, bytes: 0, bindGroups: 0 };
const sizes = new Map<number, number>();
const ids = new WeakMap<GPUBuffer, number>();
let last = 0;

function release(id: number): void {
  const size = sizes.get(id);
  if (size === undefined) return; // destroyed before
  sizes.delete(id);
  live.buffers--;
  live.bytes -= size;
}

/** Counts from now on what this worker holds on its devices, and tells it on the channel 'counts'. */
export function countDevice(): void {
  if (typeof GPUDevice !== 'undefined') {
    const buffers = new FinalizationRegistry<number>(release);
    const groups = new FinalizationRegistry<null>(() => live.bindGroups--);
    const { createBuffer, createBindGroup } = GPUDevice.prototype;
    const { destroy } = GPUBuffer.prototype;
    GPUDevice.prototype.createBuffer = function (descriptor) {
      const buffer = createBuffer.call(this, descriptor);
      const id = ++last;
      sizes.set(id, descriptor.size);
      ids.set(buffer, id);
      live.buffers++;
      live.bytes += descriptor.size;
      buffers.register(buffer, id);
      return buffer;
    };
    GPUBuffer.prototype.destroy = function () {
      release(ids.get(this)!);
      return destroy.call(this);
    };
    GPUDevice.prototype.createBindGroup = function (descriptor) {
      const group = createBindGroup.call(this, descriptor);
      live.bindGroups++;
      groups.register(group, null);
      return group;
    };
  }

  const channel = new BroadcastChannel('counts');
  channel.onmessage = async () => {
    // What a collection frees is said in later tasks, and may free more.
    for (let i = 0; i < 3; i++) {
      gc?.();
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    channel.postMessage(live);
  };
}
