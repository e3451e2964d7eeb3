// Partial gradient sums in memory: planes of [splits, channels]: Σ dy, Σ dy · (x − mean).
fn partial_index(plane: u32, split: u32, channel: u32) -> u32 {
  return (plane * params.splits + split) * params.channels + channel;
}
