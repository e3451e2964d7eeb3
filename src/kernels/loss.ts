/** Whether a device has been lost, seen from synchronous code. */
export interface Loss {
  info: GPUDeviceLostInfo | null;
}

const watched = new WeakMap<GPUDevice, Loss>();

export function watchLoss(device: GPUDevice): Loss {
  let loss = watched.get(device);
  if (!loss) {
    const state: Loss = { info: null };
    watched.set(device, (loss = state));
    void device.lost.then((info) => (state.info = info));
  }
  return loss;
}

/** Throws once the device is gone, whether it failed or was destroyed on purpose. */
export function checkLoss(call: string, { info }: Loss): void {
  if (!info) return;
  throw info.reason === 'destroyed'
    ? new Error(`${call}: the device was destroyed. Create a device, and what runs on it, anew.`)
    : new Error(`${call}: the device was lost (${info.message || 'no reason given'}). Create a device, and what runs on it, anew.`);
}
