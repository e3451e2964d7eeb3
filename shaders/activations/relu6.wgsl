// ReLU6: min(max(0, z), 6), and dz = dy where 0 < z < 6, else 0. Of a NaN both are NaN.
const ACTIVATED = true;

fn activate(z: Value) -> Value {
  return nan_kept(min(max(z, Value()), Value(6.0)), z);
}

fn activate_gradient(z: Value, dy: Value) -> Value {
  return nan_kept(select(Value(), dy, (z > Value()) & (z < Value(6.0))), z);
}
