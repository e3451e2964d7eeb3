// The backward pass in one dispatch: dbeta, dgamma, dx and, behind add + ReLU, dresidual, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3.
// Layout    x, dy, residual, dx, dresidual: as the walk. Others: per channel.
// Threads   a workgroup owns a tile of channels and all their rows.
// Traffic   of f32 20 bytes an element, 12 where x and dy stay in registers (few visits) or their second reading
//           hits cache.
// Numerics  see shared/gradient_at.wgsl, shared/gradient_walk.wgsl and shared/input_at.wgsl.
// Twin      src/reference/backward.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  opaque_zero = params.zero;
  let walk = walk_of(i, group, groups);
  let channel = select(0u, walk.channel, walk.inside);
  let statistics = load_statistics(channel);
  let activation = activation_of(channel, statistics);
  var gradients = gradients_of(sums_add_group(sums_of_walk(walk, statistics, activation), walk), statistics);
  if (walk.lane == 0u && walk.inside) {
    gradient_finish(walk.channel, gradients);
  }
  if (GROUPED) {   // lane 0 tells the others; its own slots are read by nobody else
    if (walk.lane == 0u) {
      group_dy[walk.place] = gradients.dbeta;
      group_dy_centered[walk.place] = gradients.dgamma;
    }
    workgroupBarrier();
    gradients = Gradients(group_dy_centered[walk.place], group_dy[walk.place]);
  }
  if (!walk.inside) { return; }
  apply_walk(walk, terms_of(statistics, activation, gradients, load_inv_rows(walk.channel)));
}
