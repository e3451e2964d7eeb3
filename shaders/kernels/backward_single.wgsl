// The backward pass in one dispatch: dbeta, dgamma, dx and, behind add + ReLU, dresidual, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3.
// Layout    x, dy, residual, dx, dresidual: as the walk. Others: per channel.
// Threads   a workgroup owns a tile of channels and all their rows.
// Traffic   of f32 20 bytes an element, 12 where x and dy stay in registers (few iterations) or their second reading
//           hits cache.
// Numerics  see gradient/gradient_at.wgsl, gradient/gradient_walk.wgsl and gradient/input_batch.wgsl.
// Twin      src/reference/backward.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  fence_zero = params.zero;
  let walk = walk_of(i, group, groups);
  let channel = select(0u, walk.channel, walk.inside);
  let statistics = load_statistics(channel);
  let affine = affine_of(channel, statistics);
  var gradients = gradients_of(sums_add_group(sums_of_walk(walk, statistics, affine), walk), statistics);
  if (walk.member == 0u && walk.inside) {
    finalize_gradient(walk.channel, gradients);
  }
  gradients = gradients_from_first(gradients, walk);
  if (!walk.inside) { return; }
  write_walk(walk, terms_of(walk.channel, statistics, affine, gradients));
}
