// Two f16 values a word, without the shader-f16 feature.
//
// Source    IEEE 754 binary16; rounded to nearest, ties to even.
// Numerics  by hand: unpack2x16float may flush what is below 2⁻¹⁴, and pack2x16float on SwiftShader lets an infinity or
//           NaN corrupt its neighbour. Packed, from 65520 on it is infinity, NaN stays NaN, and below 2⁻¹⁴ it is a
//           multiple of 2⁻²⁴.
// Twin      src/core/storage.ts
fn unpack_pair(word: u32) -> vec2f {
  let halves = vec2u(word & 0xffffu, word >> 16u);
  let size = halves & vec2u(0x7fffu);
  let normal = (size << vec2u(13u)) + select(vec2u(0x38000000u), vec2u(0x70000000u), size >= vec2u(0x7c00u));
  let small = bitcast<vec2u>(vec2f(size) * (1.0 / 16777216.0));
  return bitcast<vec2f>(select(normal, small, size < vec2u(0x400u)) | ((halves & vec2u(0x8000u)) << vec2u(16u)));
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
