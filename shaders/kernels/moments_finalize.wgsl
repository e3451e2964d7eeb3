// Merges the parts' moments and finalizes them: saved statistics and the running update, per channel.
//
// Source    Chan, Golub & LeVeque 1983; Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 1, lines 1–2.
// Layout    partials: [parts, 4, channels], see moments_partial; saved: src/core/saved.ts. Others: [channels].
// Threads   a workgroup owns a tile of channels; its members walk the parts.
// Traffic   16 bytes read per part and channel.
// Numerics  see moments/moments.wgsl.
// Twin      src/reference/moments.ts, src/reference/running.ts
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
    _ = finalize_moments(walk.channel, own);
  }
}
