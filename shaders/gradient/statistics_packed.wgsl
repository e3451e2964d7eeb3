// The running statistics, gamma and beta as frozen_pack packed them: inv_std is the fifth plane of coefficients.
fn load_statistics(channel: Index) -> Statistics {
  let packed = packed_statistics(channel);
  return Statistics(packed.mean, packed.mean_low, load_coefficients(4u * params.channels + channel));
}

fn affine_of(channel: Index, statistics: Statistics) -> Affine {
  return packed_affine(channel);
}
