fn with_residual(z: Value, i: u32) -> Value {
  return z;
}
