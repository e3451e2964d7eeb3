// The running statistics with gamma and beta, as frozen_pack packed them.
fn load_statistics(channel: Index) -> Statistics {
  return Statistics(load_coefficients(channel), Channel(), load_coefficients(params.channels + channel));
}

fn load_gamma(channel: Index) -> Channel {
  return load_coefficients(2u * params.channels + channel);
}

fn load_beta(channel: Index) -> Channel {
  return load_coefficients(3u * params.channels + channel);
}
