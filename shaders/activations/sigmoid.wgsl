// σ(v) = 1 / (1 + e⁻ᵛ).
//
// Numerics  the exponent is held where e⁻ᵛ is finite in f32: WGSL lets a compiler assume that there are no infinities.
fn sigmoid(v: Value) -> Value {
  return 1.0 / (1.0 + exp(clamp(-v, Value(-88.0), Value(88.0))));
}
