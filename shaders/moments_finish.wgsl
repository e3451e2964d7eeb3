// Merges the parts' moments and finishes them: saved statistics and the running update, per channel.
//
// Source    Chan, Golub & LeVeque 1983; Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 1, lines 1–2.
// Layout    partials: planes of [parts, channels], see moments_partial; saved: src/plan/saved.ts. Others: [channels].
// Threads   a workgroup owns a tile of channels; its lanes walk the parts.
// Traffic   16 bytes read per part and channel.
// Numerics  see shared/moments.wgsl.
// Twin      src/reference/moments.ts, src/reference/running.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let walk = walk_of(i, group, groups);
  let plane = params.inner_size * params.channels;
  var own: Moments;
  for (var part = walk.inner; part < select(0u, walk.inner_end, walk.inside); part += params.inner_lanes) {
    let at = part * params.channels + walk.channel;
    own = moments_merge(own, Moments(
      count_of(load_partials(at)),
      bitcast<Channel>(load_partials(plane + at)),
      bitcast<Channel>(load_partials(2u * plane + at)),
      bitcast<Channel>(load_partials(3u * plane + at)),
      Channel(),
    ));
  }
  own = moments_merge_group(own, walk);
  if (walk.lane == 0u && walk.inside) {
    _ = moments_finish(walk.channel, own);
  }
}
