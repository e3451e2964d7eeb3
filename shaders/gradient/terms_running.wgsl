// What dx needs of a channel with constant statistics where no gradient is asked for but dx.
fn terms_at(channel: Index) -> Terms {
  let statistics = load_statistics(channel);
  return Terms(statistics, affine_of(channel, statistics));
}
