// z = gamma · (x − mean) · inv_std + beta, then the residual: what an activation takes, and its gradient asks again.
//
// Numerics  the mean is subtracted before scaling: folded into beta it would cancel when |mean| is large
//           beside the deviation.
struct Activation {
  scale: Value,    // gamma · inv_std
  shift: Value,    // beta
}

fn z_of(centered: Value, i: u32, activation: Activation) -> Value {
  return with_residual(centered * activation.scale + activation.shift, i);
}
