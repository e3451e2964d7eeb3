// dx = gamma · inv_std · dy, per channel: the statistics are constants, so no gradient flows through them.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 2, line 11, differentiated by x.
// Layout    dy, dx: [rows, channels], channels innermost. Others: [channels].
// Threads   a workgroup owns a column tile and every row_groups-th block of LANES rows.
// Traffic   8 · rows · channels bytes (dy read once, dx written once).
// Numerics  two products: scale, then dx.
// Twin      src/reference/backward.ts
@compute @workgroup_size(COLUMNS, LANES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let place = place_of(group, groups);
  let channel = place.tile * COLUMNS + lane.x;
  if (place.part >= params.row_groups || channel >= params.channels) { return; }
  let scale = load_gamma(channel) * inv_std_of(load_running_var(channel));
  for (var row = place.part * LANES + lane.y; row < params.rows; row += params.row_groups * LANES) {
    let i = row * params.channels + channel;
    store_dx(i, scale * load_dy(i));
  }
}
