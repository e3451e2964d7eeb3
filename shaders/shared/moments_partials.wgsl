// Partial moments in memory: planes of [splits, channels] bit patterns: count, mean, mean_low, m2.
fn partial_index(plane: u32, split: u32, channel: u32) -> u32 {
  return (plane * params.splits + split) * params.channels + channel;
}
