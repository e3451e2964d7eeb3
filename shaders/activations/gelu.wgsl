// GELU by its tanh form: z / 2 · (1 + tanh(u)) = z · σ(2u) with u = √(2/π) · (z + 0.044715 · z³). Of a NaN it and its gradient are NaN.
//
//     dz = (s + z · s · (1 − s) · 2u′) · dy        s = σ(2u)        2u′ = 2 · √(2/π) · (1 + 0.134145 · z²)
//
// Source    Hendrycks & Gimpel 2016 (arXiv:1606.08415), section 2.
// Numerics  by σ, since WGSL's tanh may be 1e-5 off. Beyond ±GELU_FLAT s is 0 or 1 to f32, and powers of z could overflow.
const ACTIVATED = true;
const GELU_FLAT = 16.0;
const GELU_SCALE = 1.5957691216057308;   // 2 · √(2/π)

fn gelu_near(z: Value) -> Value {
  return clamp(z, Value(-GELU_FLAT), Value(GELU_FLAT));
}

fn gelu_sigmoid(near: Value) -> Value {
  return sigmoid(GELU_SCALE * (near + 0.044715 * (near * near * near)));
}

fn activate(z: Value) -> Value {
  return nan_kept(max(z, Value(-GELU_FLAT)) * gelu_sigmoid(gelu_near(z)), z);
}

fn activate_gradient(z: Value, dy: Value) -> Value {
  let near = gelu_near(z);
  let s = gelu_sigmoid(near);
  return nan_kept((s + near * s * (1.0 - s) * (GELU_SCALE * (1.0 + 0.134145 * (near * near)))) * dy, z);
}
