// The backward pass in one dispatch: dbeta, dgamma and dx, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3.
// Layout    x, dy, dx: as the walk. Others: per channel.
// Threads   a workgroup owns a tile of channels and all their rows.
// Traffic   20 bytes an element, 12 where the second reading of x and dy hits cache.
// Numerics  see shared/gradient_walk.wgsl and shared/input_at.wgsl.
// Twin      src/reference/backward.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let walk = walk_of(i, group, groups);
  let statistics = load_statistics(select(0u, walk.channel, walk.inside));
  let own = sums_add_group(sums_of_walk(walk, statistics), walk);
  var gradients: Gradients;
  if (walk.lane == 0u && walk.inside) {
    gradients = gradient_finish(walk.channel, own, statistics);
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
  apply_walk(walk, terms_of(walk.channel, statistics, gradients.dbeta * params.inv_rows, gradients.dgamma * params.inv_rows));
}
