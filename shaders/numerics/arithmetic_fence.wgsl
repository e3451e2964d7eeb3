// A value as it is, about which the compiler knows nothing.
//
// Source    WGSL, "Floating point evaluation", lets an implementation reassociate, and Mesa and Metal do:
//           (a + b) − a becomes b, and a rounding error that was wanted becomes 0.
// Numerics  params.zero is 0, which only the host knows; flipping no bits keeps NaN and infinity too.
//           Put around an intermediate whose rounding matters, never around a whole formula.
//           Every entry point copies it first: software adapters pay for each reading of a uniform.
var<private> fence_zero: u32;

fn arithmetic_fence(value: Channel) -> Channel {
  return bitcast<Channel>(bitcast<Word>(value) ^ Word(fence_zero));
}

fn arithmetic_fence_value(value: Value) -> Value {
  return bitcast<Value>(bitcast<ValueWord>(value) ^ ValueWord(fence_zero));
}
