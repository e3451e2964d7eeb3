// Adds the parts' gradient sums to one part.
//
// Source    as gradient_finalize.
// Layout    partials: [parts, 2, channels]: dbeta, dgamma; sums: the same.
// Threads   a workgroup owns a tile of channels; its members walk the parts.
// Traffic   8 bytes read per part and channel.
// Numerics  compensated like the partial sums.
// Twin      src/reference/gradient.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  fence_zero = params.zero;
  let walk = walk_of(i, group, groups);
  let own = sums_of_parts(walk);
  if (walk.member == 0u && walk.inside) {
    let at = 2u * params.part_base * params.channels + walk.channel;
    store_sums(at, own.dz.high + own.dz.low);
    store_sums(at + params.channels, own.dz_centered.high + own.dz_centered.low);
  }
}
