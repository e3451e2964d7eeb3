/**
 * The uniform block of every kernel: name, type and byte offset in one place. The WGSL struct and the
 * host's bytes are both made from this list.
 */
export const PARAMS = [
  ['rows', 'u32'],
  ['channels', 'u32'], // in Values: a quarter of the channels where Value is vec4f
  ['tiles', 'u32'], // column tiles
  ['splits', 'u32'], // row chunks of a reduction
  ['rows_per_split', 'u32'],
  ['row_groups', 'u32'], // groups along the rows of an elementwise kernel
  ['inv_rows', 'f32'],
  ['eps', 'f32'],
  ['momentum', 'f32'],
  ['keep', 'f32'], // 1 − momentum, rounded once from f64
  ['running_variance_factor', 'f32'],
  ['zero', 'u32'], // always 0; see shaders/shared/opaque.wgsl
] as const;

export type Params = Record<(typeof PARAMS)[number][0], number>;

/** Uniform blocks are multiples of 16 bytes. */
export const PARAMS_BYTES = Math.ceil((PARAMS.length * 4) / 16) * 16;

export function paramsWgsl(): string {
  return `struct Params {\n${PARAMS.map(([name, type]) => `  ${name}: ${type},\n`).join('')}}\n`;
}

export function writeParams(into: ArrayBuffer, params: Params): void {
  const view = new DataView(into);
  PARAMS.forEach(([name, type], i) => {
    if (type === 'u32') view.setUint32(i * 4, params[name], true);
    else view.setFloat32(i * 4, params[name], true);
  });
}
