// Two f16 values a word, without the shader-f16 feature.
//
// Source    IEEE 754 binary16; rounded to nearest, ties to even.
// Numerics  pack2x16float is not used: on SwiftShader an infinity or NaN corrupts its neighbour. From 65520 on the
//           result is infinity; NaN stays NaN; below 2⁻¹⁴ it is a multiple of 2⁻²⁴.
// Twin      src/core/storage.ts
fn unpack_pair(word: u32) -> vec2f {
  return unpack2x16float(word);
}

fn pack_pair(values: vec2f) -> u32 {
  let bits = bitcast<vec2u>(values);
  let size = bits & vec2u(0x7fffffffu);
  let normal = min((size + vec2u(0xfffu) + ((size >> vec2u(13u)) & vec2u(1u))) >> vec2u(13u), vec2u(0x23c00u)) - vec2u(0x1c000u);
  let small = vec2u(round(min(abs(values), vec2f(1.0)) * 16777216.0));
  var half = select(normal, small, size < vec2u(0x38800000u));
  half = select(half, vec2u(0x7e00u), size > vec2u(0x7f800000u));
  half |= (bits >> vec2u(16u)) & vec2u(0x8000u);
  return half.x | (half.y << 16u);
}
