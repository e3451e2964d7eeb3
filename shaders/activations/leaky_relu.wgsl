// Leaky ReLU: z where z > 0, else SLOPE · z, and dz = dy or SLOPE · dy, at exactly 0 the latter. Of a NaN both are NaN.
//
// Source    Maas, Hannun & Ng 2013; SLOPE is the variant's.
const ACTIVATED = true;

fn activate(z: Value) -> Value {
  return nan_kept(select(SLOPE * z, z, z > Value()), z);
}

fn activate_gradient(z: Value, dy: Value) -> Value {
  return nan_kept(select(SLOPE * dy, dy, z > Value()), z);
}
