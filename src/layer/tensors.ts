import type { Backend, Tensor } from '../backend/backend.js';
import type { Settings } from '../core/options.js';
import { SAVED_PLANES } from '../core/saved.js';

/** The tensors of a layer's own, channels elements each but `saved`. */
export interface LayerTensors {
  gamma: Tensor | null;
  beta: Tensor | null;
  dgamma: Tensor | null;
  dbeta: Tensor | null;
  runningMean: Tensor | null;
  runningVar: Tensor | null;
  saved: Tensor;
  /** With cumulative averaging the batches so far, channels times, the bits of u32: the kernels count them. */
  counts: Tensor | null;
}

/** Makes them: gamma and the running variance 1, the others 0. Where one cannot be made, none is left. */
export function layerTensors(backend: Backend, { channels, gamma, beta, momentum }: Settings, trackRunning: boolean): LayerTensors {
  const made: Tensor[] = [];
  const keep = (tensor: Tensor) => {
    made.push(tensor);
    return tensor;
  };
  const ones = () => keep(backend.tensor(new Float32Array(channels).fill(1), [channels]));
  const zeros = () => keep(backend.empty([channels]));
  try {
    return {
      gamma: gamma ? ones() : null,
      beta: beta ? zeros() : null,
      dgamma: gamma ? zeros() : null,
      dbeta: beta ? zeros() : null,
      runningMean: trackRunning ? zeros() : null,
      runningVar: trackRunning ? ones() : null,
      saved: keep(backend.empty([SAVED_PLANES.length, channels])),
      counts: trackRunning && momentum === 'cumulative' ? zeros() : null,
    };
  } catch (cause) {
    for (const tensor of made) tensor.dispose();
    throw cause;
  }
}
