// What dx needs of a channel, packed so that its kernel binds few buffers.
//
// Layout    coefficients: planes of [channels]: mean, mean_low, gamma · inv_std, beta, then what the gradient's formula adds.
fn store_affine(channel: u32, statistics: Statistics) {
  store_coefficients(channel, statistics.mean);
  store_coefficients(params.channels + channel, statistics.mean_low);
  store_coefficients(2u * params.channels + channel, load_gamma(channel) * statistics.inv_std);
  store_coefficients(3u * params.channels + channel, load_beta(channel));
}

// inv_std is in gamma · inv_std already.
fn packed_statistics(channel: Index) -> Statistics {
  return Statistics(load_coefficients(channel), load_coefficients(params.channels + channel), Channel());
}

fn packed_affine(channel: Index) -> Affine {
  return Affine(
    Value(load_coefficients(2u * params.channels + channel)),
    Value(load_coefficients(3u * params.channels + channel)),
  );
}
