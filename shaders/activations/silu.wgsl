// SiLU: z · σ(z), and dz = σ(z) · (1 + z · (1 − σ(z))) · dy. Of a NaN both are NaN.
//
// Source    Elfwing, Uchibe & Doya 2017 (arXiv:1702.03118), eq. 2 and 3.
// Numerics  beyond ±SILU_FLAT σ is 0 or 1 to f32, and an infinity times 0 would be NaN.
const ACTIVATED = true;
const SILU_FLAT = 100.0;

fn activate(z: Value) -> Value {
  return nan_kept(max(z, Value(-SILU_FLAT)) * sigmoid(z), z);
}

fn activate_gradient(z: Value, dy: Value) -> Value {
  let s = sigmoid(z);
  return nan_kept(s * (1.0 + clamp(z, Value(-SILU_FLAT), Value(SILU_FLAT)) * (1.0 - s)) * dy, z);
}
