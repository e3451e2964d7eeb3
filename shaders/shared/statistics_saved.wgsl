// The statistics of the batch, from saved (src/plan/saved.ts).
fn load_statistics(channel: u32) -> Statistics {
  return Statistics(
    load_saved(channel),
    load_saved(params.channels + channel),
    load_saved(3u * params.channels + channel),
  );
}
