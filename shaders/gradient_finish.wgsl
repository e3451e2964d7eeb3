// Adds the splits' gradient sums: dbeta = Σ dy, dgamma = Σ dy · x_hat, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3.
// Layout    partials: see shared/gradient_partials.wgsl; coefficients: see shared/coefficients.wgsl.
//           Others: [channels].
// Threads   a workgroup owns a column tile; its lanes stride through the splits.
// Traffic   8 bytes read per split and channel.
// Numerics  compensated like the partial sums.
// Twin      src/reference/backward.ts
@compute @workgroup_size(COLUMNS, LANES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let place = place_of(group, groups);
  if (place.part > 0u) { return; }   // the same for the whole group
  let channel = place.tile * COLUMNS + lane.x;
  let end = select(0u, params.splits, channel < params.channels);

  var own: GradientSums;
  for (var split = lane.y; split < end; split += LANES) {
    own.dy = sum_add(own.dy, load_partials(partial_index(0u, split, channel)));
    own.dy_centered = sum_add(own.dy_centered, load_partials(partial_index(1u, split, channel)));
  }
  own = sums_add_group(own, lane);

  if (lane.y == 0u && channel < params.channels) {
    let statistics = load_statistics(channel);
    let dbeta = own.dy.high + own.dy.low;
    let dgamma = (own.dy_centered.high + own.dy_centered.low) * statistics.inv_std;
    store_coefficients_of(channel, statistics, dbeta, dgamma);
    store_dgamma(channel, dgamma);
    store_dbeta(channel, dbeta);
  }
}
