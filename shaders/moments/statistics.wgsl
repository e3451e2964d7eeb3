// What a channel is normalized with.
struct Statistics {
  mean: Channel,
  mean_low: Channel,
  inv_std: Channel,
}
