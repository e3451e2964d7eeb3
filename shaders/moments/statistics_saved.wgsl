// The statistics of the batch, from saved (src/core/saved.ts).
fn load_statistics(channel: Index) -> Statistics {
  return Statistics(
    bitcast<Channel>(load_saved(channel)),
    bitcast<Channel>(load_saved(params.channels + channel)),
    bitcast<Channel>(load_saved(3u * params.channels + channel)),
  );
}
