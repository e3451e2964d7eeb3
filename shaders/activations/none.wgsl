// No activation: y = z, and dz is dy.
const ACTIVATED = false;

fn activate(z: Value) -> Value {
  return z;
}

fn activate_gradient(z: Value, dy: Value) -> Value {
  return dy;
}
