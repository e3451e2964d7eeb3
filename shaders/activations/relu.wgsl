// ReLU: max(0, z), and dz = dy where z > 0, else 0, at exactly 0 too. Of a NaN both are NaN.
const ACTIVATED = true;

fn activate(z: Value) -> Value {
  return nan_kept(max(z, Value()), z);
}

fn activate_gradient(z: Value, dy: Value) -> Value {
  return nan_kept(select(Value(), dy, z > Value()), z);
}
