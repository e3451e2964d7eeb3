fn with_residual(z: Value, i: u32) -> Value {
  return z + load_residual(i);
}
