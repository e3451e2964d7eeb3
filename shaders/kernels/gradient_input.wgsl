// dx = gamma · inv_std · (dz − dbeta/rows − x_hat · dgamma/rows), and dresidual = dz behind add + ReLU, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3, ∂l/∂x with ∂l/∂variance and ∂l/∂mean put in;
//           with running statistics Algorithm 2, line 11, differentiated by x.
// Layout    x, dy, residual, dx, dresidual: as the walk. coefficients: gradient/coefficients.wgsl.
// Threads   as normalize.
// Traffic   of f32 12 bytes an element (x and dy read once, dx written once), 8 with running statistics and no
//           ReLU, plus the per-channel values, re-read by every group and expected to hit cache.
// Numerics  subtracts the mean before scaling, as normalize does.
// Twin      src/reference/gradient.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  fence_zero = params.zero;
  apply(i, group, groups);
}
