/**
 * Runs work inside error scopes of the caller's device, which it leaves whatever happens.
 *
 * @returns the work's value, and what the scopes caught: null where nothing, or where the device was lost meanwhile, which
 *   its `lost` tells.
 */
export function inScopes<T>(device: GPUDevice, filters: readonly GPUErrorFilter[], work: () => T): { value: T; error: Promise<GPUError | null> } {
  let open = 0;
  const close = (): Promise<GPUError | null> => {
    const caught: Promise<GPUError | null>[] = [];
    for (; open > 0; open--) caught.push(device.popErrorScope());
    return Promise.all(caught).then((errors) => errors.find((error) => error !== null) ?? null, () => null);
  };
  try {
    for (const filter of filters) {
      device.pushErrorScope(filter);
      open++;
    }
    return { value: work(), error: close() };
  } finally {
    void close(); // of what an exception left open
  }
}
