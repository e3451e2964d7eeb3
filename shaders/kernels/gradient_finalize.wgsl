// Adds the parts' gradient sums, dbeta = Σ dz and dgamma = Σ dz · x_hat, and packs what dx needs, per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3.
// Layout    partials: [parts, 2, channels]: dbeta, dgamma; coefficients: gradient/coefficients.wgsl. Others: [channels].
// Threads   a workgroup owns a tile of channels; its members walk the parts.
// Traffic   8 bytes read per part and channel.
// Numerics  compensated like the partial sums.
// Twin      src/reference/gradient.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  fence_zero = params.zero;
  let walk = walk_of(i, group, groups);
  let own = sums_of_parts(walk);
  if (walk.member == 0u && walk.inside) {
    let gradients = Gradients(own.dz_centered.high + own.dz_centered.low, own.dz.high + own.dz.low);
    finalize_gradient(walk.channel, gradients);
    store_terms(walk.channel, load_statistics(walk.channel), gradients);
  }
}
