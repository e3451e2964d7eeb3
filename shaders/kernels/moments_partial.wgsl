// One part of the rows to (count, mean, m2), per channel.
//
// Source    Chan, Golub & LeVeque 1983; a block of iterations at a time, then merged.
// Layout    x: as the walk. partials: [parts, 4, channels] bit patterns: count, mean, mean_low, m2.
// Threads   a workgroup owns a tile of channels and one part of the rows; see walk/walk.wgsl.
// Traffic   of f32 4 bytes an element read; 16 bytes written per part and channel.
// Numerics  see moments/moments.wgsl and moments/moments_walk.wgsl.
// Twin      src/reference/moments.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  fence_zero = params.zero;
  let walk = walk_of(i, group, groups);
  let own = moments_merge_group(moments_of_walk(walk), walk);
  if (walk.member == 0u && walk.exists) {   // a channel outside the box has the empty moments
    let at = 4u * (params.part_base + walk.part) * params.channels + walk.channel;
    store_partials(at, Word(own.count));
    store_partials(at + params.channels, bitcast<Word>(own.mean));
    store_partials(at + 2u * params.channels, bitcast<Word>(own.mean_low));
    store_partials(at + 3u * params.channels, bitcast<Word>(own.m2 + own.m2_low));
  }
}
