/**
 * The uniform block of every kernel: name, type and byte offset in one place. The WGSL struct and the
 * host's bytes are both made from this list. What the walk fields mean: shaders/shared/walk.wgsl.
 */
export const PARAMS = [
  ['channels', 'u32'], // in Channels: a quarter of them where a Channel is vec4f
  ['channel_stride', 'u32'], // strides and sizes are in Values
  ['tiles', 'u32'],
  ['tile_channels', 'u32'],
  ['inner_size', 'u32'],
  ['inner_stride', 'u32'],
  ['inner_lanes', 'u32'],
  ['inner_parts', 'u32'],
  ['inner_per_part', 'u32'],
  ['outer_size', 'u32'],
  ['outer_stride', 'u32'],
  ['outer_lanes', 'u32'],
  ['outer_per_part', 'u32'],
  ['parts', 'u32'],
  ['channel_step', 'u32'], // threads from one channel to the next, and so on
  ['inner_step', 'u32'],
  ['outer_step', 'u32'],
  ['lanes', 'u32'], // inner_lanes · outer_lanes
  ['lanes_ceil', 'u32'], // smallest power of two ≥ lanes
  ['zero', 'u32'], // always 0; see shaders/shared/opaque.wgsl
  ['inv_rows', 'f32'],
  ['eps', 'f32'],
  ['momentum', 'f32'],
  ['keep', 'f32'], // 1 − momentum, rounded once from f64
  ['running_variance_factor', 'f32'],
] as const;

export type Params = Record<(typeof PARAMS)[number][0], number>;

/** Uniform blocks are multiples of 16 bytes. */
export const PARAMS_BYTES = Math.ceil((PARAMS.length * 4) / 16) * 16;

export function paramsWgsl(): string {
  return `struct Params {\n${PARAMS.map(([name, type]) => `  ${name}: ${type},\n`).join('')}}\n`;
}

export function writeParams(view: DataView, params: Params): void {
  PARAMS.forEach(([name, type], i) => {
    if (type === 'u32') view.setUint32(i * 4, params[name], true);
    else view.setFloat32(i * 4, params[name], true);
  });
}
