// dx = gamma · inv_std · (dy − dbeta/rows − x_hat · dgamma/rows), per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3, ∂l/∂x with ∂l/∂variance and ∂l/∂mean put in;
//           with running statistics Algorithm 2, line 11, differentiated by x.
// Layout    x, dy, dx: as the walk. coefficients: planes of [channels]: dbeta / rows, dgamma / rows.
// Threads   a workgroup owns a tile of channels and one part of the rows; see shared/walk.wgsl.
// Traffic   12 bytes an element (x and dy read once, dx written once), 8 with running statistics, plus
//           the per-channel values, re-read by every group and expected to hit cache.
// Numerics  subtracts the mean before scaling, as normalize does.
// Twin      src/reference/backward.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let walk = walk_of(i, group, groups);
  if (!walk.inside) { return; }
  let terms = terms_of(
    walk.channel,
    load_statistics(walk.channel),
    load_coefficients(walk.channel),
    load_coefficients(params.channels + walk.channel),
  );
  apply_walk(walk, terms);
}
