// Two bf16 values a word: the upper halves of f32.
//
// Source    rounded to nearest, ties to even; NaN stays NaN.
// Twin      src/core/storage.ts
fn unpack_pair(word: u32) -> vec2f {
  return bitcast<vec2f>(vec2u(word << 16u, word & 0xffff0000u));
}

fn pack_pair(values: vec2f) -> u32 {
  let bits = bitcast<vec2u>(values);
  let nan = (bits & vec2u(0x7fffffffu)) > vec2u(0x7f800000u);
  let rounded = bits + vec2u(0x7fffu) + ((bits >> vec2u(16u)) & vec2u(1u));
  let half = select(rounded, bits | vec2u(0x400000u), nan) >> vec2u(16u);
  return half.x | (half.y << 16u);
}
