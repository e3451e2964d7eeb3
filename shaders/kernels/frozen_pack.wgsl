// The per-channel values of a frozen backward in one buffer: with a mask and a residual its bindings would be nine.
//
// Source    the default limit, 8 storage buffers a stage.
// Layout    coefficients: gradient/coefficients.wgsl, then inv_std. Others: [channels].
// Threads   a workgroup owns a tile of channels.
// Traffic   36 bytes a channel.
// Numerics  see numerics/inv_std.wgsl.
// Twin      none: nothing is computed but inv_std
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let walk = walk_of(i, group, groups);
  if (walk.member == 0u && walk.inside) {
    let statistics = load_statistics(walk.channel);
    store_affine(walk.channel, statistics);
    store_coefficients(4u * params.channels + walk.channel, statistics.inv_std);
  }
}
