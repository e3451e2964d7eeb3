// Adds the parts' gradient sums, dbeta = Σ dz and dgamma = Σ dz · x_hat, and packs what dx needs, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3.
// Layout    partials: [parts, 2, channels]: dbeta, dgamma; coefficients: planes of [channels]: mean, mean_low,
//           gamma · inv_std, beta, dbeta / rows, dgamma / rows · inv_std. Others: [channels].
// Threads   a workgroup owns a tile of channels; its lanes walk the parts.
// Traffic   8 bytes read per part and channel.
// Numerics  compensated like the partial sums.
// Twin      src/reference/gradient.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  opaque_zero = params.zero;
  let walk = walk_of(i, group, groups);
  let own = sums_of_parts(walk);
  if (walk.lane == 0u && walk.inside) {
    let gradients = Gradients(own.dy_centered.high + own.dy_centered.low, own.dy.high + own.dy.low);
    gradient_finish(walk.channel, gradients);
    let statistics = load_statistics(walk.channel);
    let inv_rows = load_inv_rows(walk.channel);
    store_coefficients(walk.channel, statistics.mean);
    store_coefficients(params.channels + walk.channel, statistics.mean_low);
    store_coefficients(2u * params.channels + walk.channel, load_gamma(walk.channel) * statistics.inv_std);
    store_coefficients(3u * params.channels + walk.channel, load_beta(walk.channel));
    store_coefficients(4u * params.channels + walk.channel, gradients.dbeta * inv_rows);
    store_coefficients(5u * params.channels + walk.channel, gradients.dgamma * inv_rows * statistics.inv_std);
  }
}
