// One part of the rows to Σ dy and Σ dy · (x − mean), per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3, ∂l/∂gamma and ∂l/∂beta; inv_std, the same
//           for every row, is left to the finish.
// Layout    x, dy: as the walk. partials: planes of [parts, channels]: Σ dy, Σ dy · (x − mean).
// Threads   a workgroup owns a tile of channels and one part of the rows; see shared/walk.wgsl.
// Traffic   8 bytes an element read; 8 bytes written per part and channel.
// Numerics  see shared/gradient_walk.wgsl.
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
  if (walk.lane == 0u && walk.inside) {
    let at = walk.part * params.channels + walk.channel;
    store_partials(at, own.dy.high + own.dy.low);
    store_partials(params.parts * params.channels + at, own.dy_centered.high + own.dy_centered.low);
  }
}
