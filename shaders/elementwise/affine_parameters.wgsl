// What z takes of a channel, from gamma and beta.
fn affine_of(channel: Index, statistics: Statistics) -> Affine {
  return Affine(Value(load_gamma(channel) * statistics.inv_std), Value(load_beta(channel)));
}
