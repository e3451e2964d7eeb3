// One part of the rows to its share of dbeta = Σ dz and dgamma = Σ dz · x_hat, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3, ∂l/∂gamma and ∂l/∂beta.
// Layout    x, dy, residual: as the walk. partials: [parts, 2, channels]: dbeta, dgamma.
// Threads   a workgroup owns a tile of channels and one part of the rows; see walk/walk.wgsl.
// Traffic   of f32 8 bytes an element read; 8 bytes written per part and channel.
// Numerics  see gradient/gradient_at.wgsl and gradient/gradient_walk.wgsl. inv_std, the same for every row, is left
//           to the end of a part.
// Twin      src/reference/gradient.ts
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
  let own = sums_add_group(sums_of_walk(walk, statistics, affine_of(channel, statistics)), walk);
  if (walk.member == 0u && walk.exists) {
    let gradients = gradients_of(own, statistics);
    let at = 2u * (params.part_base + walk.part) * params.channels + walk.channel;
    store_partials(at, select(Channel(), gradients.dbeta, walk.inside));
    store_partials(at + params.channels, select(Channel(), gradients.dgamma, walk.inside));
  }
}
