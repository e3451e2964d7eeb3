fn terms_at(channel: Index) -> Terms {
  return terms_of(channel, load_statistics(channel));
}
