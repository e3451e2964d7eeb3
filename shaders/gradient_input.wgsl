// dx = gamma · inv_std · (dy − dbeta/rows − x_hat · dgamma/rows), per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3, ∂l/∂x with ∂l/∂variance and ∂l/∂mean put in.
// Layout    x, dy, dx: [rows, channels], channels innermost. coefficients: see shared/coefficients.wgsl.
// Threads   a workgroup owns a column tile and every row_groups-th block of LANES rows.
// Traffic   12 · rows · channels bytes (x and dy read once, dx written once) plus the coefficients,
//           re-read by every group and expected to hit cache.
// Numerics  subtracts the mean before scaling, as normalize does.
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
  let mean = load_coefficients(channel);
  let mean_low = load_coefficients(params.channels + channel);
  let inv_std = load_coefficients(2u * params.channels + channel);
  let scale = load_coefficients(3u * params.channels + channel);
  let dbeta_mean = load_coefficients(4u * params.channels + channel);
  let dgamma_mean = load_coefficients(5u * params.channels + channel);
  for (var row = place.part * LANES + lane.y; row < params.rows; row += params.row_groups * LANES) {
    let i = row * params.channels + channel;
    let x_hat = (opaque(load_x(i) - mean) - mean_low) * inv_std;
    store_dx(i, scale * ((load_dy(i) - dbeta_mean) - x_hat * dgamma_mean));
  }
}
