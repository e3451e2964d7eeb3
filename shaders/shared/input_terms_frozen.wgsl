// What dx needs of a channel where nothing but the running statistics is in it.
fn terms_at(channel: Index) -> Terms {
  let statistics = load_statistics(channel);
  return Terms(statistics, activation_of(channel, statistics), Value(), Value());
}
