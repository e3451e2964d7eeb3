// Hard swish: 0 where z < −3, z where z > 3, else z · (z + 3) / 6. Of a NaN it and its gradient are NaN.
//
//     dz = 0 where z < −3, dy where z > 3, else (z / 3 + 1/2) · dy
//
// Source    Howard et al. 2019 (arXiv:1905.02244), section 5.2; at ±3 the slope between them: −0.5 and 1.5.
const ACTIVATED = true;

fn activate(z: Value) -> Value {
  return nan_kept(select(select(z * ((z + 3.0) * (1.0 / 6.0)), z, z > Value(3.0)), Value(), z < Value(-3.0)), z);
}

fn activate_gradient(z: Value, dy: Value) -> Value {
  return nan_kept(select(select((z * (1.0 / 3.0) + 0.5) * dy, dy, z > Value(3.0)), Value(), z < Value(-3.0)), z);
}
