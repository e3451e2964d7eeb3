import { COMPUTE } from '../plan/gpuFlags.js';
import { type Variant, type VariantText, bindingsOf, variantConstants, variantKey, variantText } from './table.js';

const compiled = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>();

/** The pipeline of a variant, compiled once per device. Rejects with the file and line of what did not compile. */
export function pipelineOf(device: GPUDevice, variant: Variant): Promise<GPUComputePipeline> {
  const key = variantKey(variant);
  let pipelines = compiled.get(device);
  if (!pipelines) compiled.set(device, (pipelines = new Map()));
  let pipeline = pipelines.get(key);
  if (!pipeline) {
    pipeline = compile(device, variant, `batchnorm/${key}`);
    pipelines.set(key, pipeline);
    pipeline.catch(() => pipelines.delete(key));
  }
  return pipeline;
}

/** Rejects, with the file and line, unless the device's compiler takes the variant's text; makes no pipeline. */
export async function checkText(device: GPUDevice, variant: Variant): Promise<void> {
  const label = `batchnorm/${variantKey(variant)}`;
  const { code, files } = variantText(variant);
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label, code });
  const invalid = device.popErrorScope();
  await checkModule(module, files, label);
  const failure = await invalid;
  if (failure) throw new Error(`${label} did not compile: ${failure.message}`);
}

async function checkModule(module: GPUShaderModule, files: VariantText['files'], label: string): Promise<void> {
  const { messages } = await module.getCompilationInfo();
  const error = messages.find((message) => message.type === 'error');
  if (!error) return;
  if (error.lineNum === 0) throw new Error(`${label} did not compile: ${error.message}`);
  const origin = files.findLast(({ firstLine }) => firstLine <= error.lineNum) ?? files[0];
  const line = error.lineNum - origin.firstLine + 1;
  throw new Error(`${label} did not compile: shaders/${origin.file}:${line}:${error.linePos} ${error.message}`);
}

async function compile(device: GPUDevice, variant: Variant, label: string): Promise<GPUComputePipeline> {
  const { code, files } = variantText(variant);
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label, code });
  const layout = device.createPipelineLayout({
    label: `${label} layout`,
    bindGroupLayouts: [
      device.createBindGroupLayout({
        label: `${label} bindings`,
        entries: [
          { binding: 0, visibility: COMPUTE, buffer: { type: 'uniform' } },
          ...bindingsOf(variant).map(({ access }, i): GPUBindGroupLayoutEntry => ({
            binding: i + 1,
            visibility: COMPUTE,
            buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
          })),
        ],
      }),
    ],
  });
  const invalid = device.popErrorScope();
  await checkModule(module, files, label);
  const failure = await invalid;
  if (failure) throw new Error(`${label} did not compile: ${failure.message}`);
  try {
    return await device.createComputePipelineAsync({
      label,
      layout,
      compute: { module, entryPoint: 'main', constants: variantConstants(variant) },
    });
  } catch (cause) {
    throw new Error(`${label} did not compile: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
