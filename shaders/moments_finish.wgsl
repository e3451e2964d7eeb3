// Merges the splits' moments and finishes them: saved statistics and the running update, per channel.
//
//     variance = m2 / rows                          inv_std = 1 / √(variance + eps)
//     running  = (1 − momentum) · running + momentum · batch
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 1, lines 1–2.
// Layout    partials: see shared/moments_partials.wgsl; saved: src/plan/saved.ts. Others: [channels].
// Threads   a workgroup owns a column tile; its lanes stride through the splits.
// Traffic   16 bytes read per split and channel.
// Numerics  the running variance is the biased one times running_variance_factor, from the host.
// Twin      src/reference/moments.ts, src/reference/running.ts
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

  var own: Moments;
  for (var split = lane.y; split < end; split += LANES) {
    own = moments_merge(own, Moments(
      count_of(load_partials(partial_index(0u, split, channel))),
      bitcast<Value>(load_partials(partial_index(1u, split, channel))),
      bitcast<Value>(load_partials(partial_index(2u, split, channel))),
      bitcast<Value>(load_partials(partial_index(3u, split, channel))),
      Value(),
    ));
  }
  own = moments_merge_group(own, lane);

  if (lane.y == 0u && channel < params.channels) {
    let variance = (own.m2 + own.m2_low) * params.inv_rows;
    store_saved(channel, own.mean);
    store_saved(params.channels + channel, own.mean_low);
    store_saved(2u * params.channels + channel, variance);
    store_saved(3u * params.channels + channel, inv_std_of(variance));
    store_running_mean(channel, params.keep * load_running_mean(channel) + params.momentum * (own.mean + own.mean_low));
    store_running_var(channel, params.keep * load_running_var(channel)
      + params.momentum * (variance * params.running_variance_factor));
  }
}
