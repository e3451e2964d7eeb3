// Adds the parts' gradient sums: dbeta = Σ dy, dgamma = Σ dy · x_hat, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3.
// Layout    partials: planes of [parts, channels], see gradient_partial; coefficients: planes of [channels]:
//           dbeta / rows, dgamma / rows. Others: [channels].
// Threads   a workgroup owns a tile of channels; its lanes walk the parts.
// Traffic   8 bytes read per part and channel.
// Numerics  compensated like the partial sums.
// Twin      src/reference/backward.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let walk = walk_of(i, group, groups);
  var own: GradientSums;
  for (var part = walk.inner; part < select(0u, walk.inner_end, walk.inside); part += params.inner_lanes) {
    let at = part * params.channels + walk.channel;
    own.dy = sum_add(own.dy, load_partials(at));
    own.dy_centered = sum_add(own.dy_centered, load_partials(params.inner_size * params.channels + at));
  }
  own = sums_add_group(own, walk);
  if (walk.lane == 0u && walk.inside) {
    let gradients = gradient_finish(walk.channel, own, load_statistics(walk.channel));
    store_coefficients(walk.channel, gradients.dbeta * params.inv_rows);
    store_coefficients(params.channels + walk.channel, gradients.dgamma * params.inv_rows);
  }
}
