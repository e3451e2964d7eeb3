// A value as it is, about which the compiler knows nothing.
//
// Source    WGSL, "Floating point evaluation", lets an implementation reassociate, and Mesa and Metal do:
//           (a + b) − a becomes b, and a rounding error that was wanted becomes 0.
// Numerics  params.zero is 0, which only the host knows; flipping no bits keeps NaN and infinity too.
//           Put around an intermediate whose rounding matters, never around a whole formula.
//           Every entry point copies it first: software adapters pay for each reading of a uniform.
var<private> opaque_zero: u32;

fn opaque(value: Channel) -> Channel {
  return bitcast<Channel>(bitcast<Word>(value) ^ Word(opaque_zero));
}

fn opaque_value(value: Value) -> Value {
  return bitcast<Value>(bitcast<ValueWord>(value) ^ ValueWord(opaque_zero));
}
