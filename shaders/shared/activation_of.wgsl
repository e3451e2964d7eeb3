// The activation of a channel, from its statistics, gamma and beta.
fn activation_of(channel: Index, statistics: Statistics) -> Activation {
  return Activation(Value(load_gamma(channel) * statistics.inv_std), Value(load_beta(channel)));
}
