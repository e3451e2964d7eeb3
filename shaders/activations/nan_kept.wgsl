// The result, but z itself where that is NaN.
//
// Numerics  told by its bits: WGSL lets a compiler assume that there is no NaN, so max, z > 0 and z != z all lose it.
fn nan_kept(result: Value, z: Value) -> Value {
  return select(result, z, (bitcast<ValueWord>(z) & ValueWord(0x7fffffffu)) > ValueWord(0x7f800000u));
}
