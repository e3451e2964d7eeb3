// z = gamma · (x − mean) · inv_std + beta, then the residual: what an activation takes, and its gradient asks again.
//
// Numerics  the mean is subtracted before scaling: folded into beta it would cancel when |mean| is large
//           beside the deviation.
struct Affine {
  scale: Value,    // gamma · inv_std
  shift: Value,    // beta
}

// x − mean, with the mean's low bits.
fn centered_of(x: Value, statistics: Statistics) -> Value {
  return arithmetic_fence_value(x - Value(statistics.mean)) - Value(statistics.mean_low);
}

fn z_of(centered: Value, i: u32, affine: Affine) -> Value {
  return add_residual(centered * affine.scale + affine.shift, i);
}
