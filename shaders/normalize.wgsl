// y = gamma · (x − mean) · inv_std + beta, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 1, last two lines; with running
//           statistics, Algorithm 2, line 11.
// Layout    x, y: [rows, channels], channels innermost. Others: per channel.
// Threads   a workgroup owns a column tile and every row_groups-th block of LANES rows.
// Traffic   8 · rows · channels bytes (x read once, y written once) plus the per-channel values,
//           re-read by every group and expected to hit cache.
// Numerics  subtracts the mean before scaling: folded into beta it would cancel when |mean| is large
//           beside the deviation.
// Twin      src/reference/forward.ts, src/reference/infer.ts
@compute @workgroup_size(COLUMNS, LANES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let place = place_of(group, groups);
  let channel = place.tile * COLUMNS + lane.x;
  if (place.part >= params.row_groups || channel >= params.channels) { return; }
  let statistics = load_statistics(channel);
  let scale = load_gamma(channel) * statistics.inv_std;
  let beta = load_beta(channel);
  for (var row = place.part * LANES + lane.y; row < params.rows; row += params.row_groups * LANES) {
    let i = row * params.channels + channel;
    store_y(i, (opaque(load_x(i) - statistics.mean) - statistics.mean_low) * scale + beta);
  }
}
