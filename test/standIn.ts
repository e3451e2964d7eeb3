import { type BenchShape, type DEFAULT_LIMITS, limitsFor } from '../src/benchmark/index.js';

/**
 * Stands in for a device where there is none, so that the library's calls can be made and counted: it takes what they
 * ask for and does nothing with it. No result of it means anything, so nothing else may use it.
 */
export const standInDevice = (shape: BenchShape): GPUDevice => new StandInDevice(limitsFor(shape)) as unknown as GPUDevice;

class StandInDevice {
  readonly queue = new StandInQueue();
  readonly features = new Set<GPUFeatureName>();
  readonly lost = new Promise<never>(() => {});
  readonly limits: typeof DEFAULT_LIMITS;

  constructor(limits: typeof DEFAULT_LIMITS) {
    this.limits = limits;
  }

  createBuffer({ size, usage }: GPUBufferDescriptor) {
    return { size, usage, getMappedRange: () => new ArrayBuffer(size), unmap() {}, destroy() {} };
  }

  createShaderModule() {
    return { getCompilationInfo: () => Promise.resolve({ messages: [] }) };
  }

  createBindGroupLayout() {
    return {};
  }

  createPipelineLayout() {
    return {};
  }

  createComputePipeline() {
    return {};
  }

  createComputePipelineAsync() {
    return Promise.resolve({});
  }

  createBindGroup() {
    return {};
  }

  createCommandEncoder() {
    return { beginComputePass: () => new StandInPass() };
  }

  pushErrorScope() {}

  popErrorScope() {
    return Promise.resolve(null);
  }
}

class StandInQueue {
  submit() {}
  writeBuffer() {}
}

class StandInPass {
  setPipeline() {}
  setBindGroup() {}
  dispatchWorkgroups() {}
  end() {}
}
