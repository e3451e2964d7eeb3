// The training forward pass in one dispatch: statistics, running update and normalization, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 1.
// Layout    x, residual, y: as the walk; saved: src/core/saved.ts. Others: [channels].
// Threads   a workgroup owns a tile of channels and all their rows.
// Traffic   of f32 12 bytes an element, 8 where x stays in registers (few iterations) or its second reading hits cache.
// Numerics  see moments/moments.wgsl, moments/moments_walk.wgsl and elementwise/normalize_at.wgsl.
// Twin      src/reference/forward.ts, src/reference/running.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  fence_zero = params.zero;
  let walk = walk_of(i, group, groups);
  let own = moments_merge_group(moments_of_walk(walk), walk);
  var statistics: Statistics;
  if (walk.member == 0u && walk.inside) {
    statistics = finalize_moments(walk.channel, own);
  }
  statistics = statistics_from_first(statistics, walk);
  if (!walk.inside) { return; }
  write_walk(walk, terms_of(walk.channel, statistics));
}
