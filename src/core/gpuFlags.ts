// Of GPUBufferUsage, GPUMapMode and GPUShaderStage: those globals are missing where WebGPU is.
export const MAP_READ = 0x0001;
export const COPY_SRC = 0x0004;
export const COPY_DST = 0x0008;
export const UNIFORM = 0x0040;
export const STORAGE = 0x0080;
/** GPUMapMode.READ */
export const READ = 0x0001;
/** GPUShaderStage.COMPUTE */
export const COMPUTE = 0x4;
