// y = gamma · (x − mean) · inv_std + beta, then residual and ReLU where asked, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 1, last two lines; with running
//           statistics, Algorithm 2, line 11.
// Layout    x, residual, y: as the walk. Others: per channel.
// Threads   a workgroup owns a tile of channels and one part of the rows (walk/walk.wgsl), or a thread a word
//           (elementwise/apply_flat.wgsl).
// Traffic   of f32 8 bytes an element (x read once, y written once), 12 with a residual, plus the per-channel
//           values, re-read by every group and expected to hit cache.
// Numerics  see elementwise/normalize_at.wgsl.
// Twin      src/reference/forward.ts, src/reference/infer.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  fence_zero = params.zero;
  apply(i, group, groups);
}
