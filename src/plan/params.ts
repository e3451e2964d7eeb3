/**
 * The uniform block of every kernel: name, type and byte offset in one place. The WGSL struct and the
 * host's bytes are both made from this list. What the walk fields mean: shaders/walk/walk.wgsl.
 */
export const PARAMS = [
  ['channels', 'u32'], // in Channels: a quarter of them where a Channel is vec4f
  ['channel_stride', 'u32'], // strides, sizes and base are in Values
  ['channel_first', 'u32'], // channels of the box
  ['channel_end', 'u32'],
  ['tiles', 'u32'],
  ['tile_channels', 'u32'],
  ['base', 'u32'],
  ['inner_size', 'u32'],
  ['inner_stride', 'u32'],
  ['inner_members', 'u32'],
  ['inner_parts', 'u32'],
  ['inner_per_part', 'u32'],
  ['outer_size', 'u32'],
  ['outer_stride', 'u32'],
  ['outer_members', 'u32'],
  ['outer_per_part', 'u32'],
  ['row_base', 'u32'], // of the mask, in entries of its array, and from one iteration to the next
  ['inner_rows', 'u32'],
  ['outer_rows', 'u32'],
  ['parts', 'u32'], // of this dispatch
  ['part_base', 'u32'], // the first of them among all
  ['channel_step', 'u32'], // threads from one channel to the next, and so on
  ['inner_step', 'u32'],
  ['outer_step', 'u32'],
  ['members', 'u32'], // inner_members · outer_members
  ['members_ceil', 'u32'], // smallest power of two ≥ members
  ['flat_words', 'u32'], // of shaders/elementwise/apply_flat.wgsl: words of this dispatch,
  ['flat_groups', 'u32'], // workgroups, the element its first word begins with, the end of the whole tensor,
  ['flat_first', 'u32'],
  ['flat_end', 'u32'],
  ['flat_spatial', 'u32'], // values of a channel that lie together,
  ['flat_odd', 'u32'], // and the word whose upper half is padding, or none: 0xffffffff
  ['zero', 'u32'], // always 0; see shaders/numerics/arithmetic_fence.wgsl
  ['unbiased', 'u32'],
  ['cumulative', 'u32'],
  ['accumulate', 'u32'],
  ['eps', 'f32'],
  ['momentum', 'f32'],
  ['keep', 'f32'], // 1 − momentum, rounded once from f64
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
