// What dx needs of a channel with constant statistics, as gradient_finalize packed it.
fn terms_at(channel: Index) -> Terms {
  return Terms(packed_statistics(channel), packed_affine(channel));
}
