// Merges the parts' moments to one part.
//
// Source    Chan, Golub & LeVeque 1983.
// Layout    partials: [parts, 4, channels], see moments_partial; moments: the same.
// Threads   a workgroup owns a tile of channels; its members walk the parts.
// Traffic   16 bytes read per part and channel.
// Numerics  see moments/moments.wgsl.
// Twin      src/reference/moments.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  fence_zero = params.zero;
  let walk = walk_of(i, group, groups);
  let own = moments_of_parts(walk);
  if (walk.member == 0u && walk.inside) {
    let at = 4u * params.part_base * params.channels + walk.channel;
    store_moments(at, Word(own.count));
    store_moments(at + params.channels, bitcast<Word>(own.mean));
    store_moments(at + 2u * params.channels, bitcast<Word>(own.mean_low));
    store_moments(at + 3u * params.channels, bitcast<Word>(own.m2 + own.m2_low));
  }
}
