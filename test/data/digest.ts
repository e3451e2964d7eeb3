/** FNV-1a of the bytes: two arrays of the same digest are, but for one chance in 2³², the same. */
export function digestOf(values: Float32Array): string {
  let hash = 0x811c9dc5;
  for (const byte of new Uint8Array(values.buffer, values.byteOffset, values.byteLength)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16);
}
