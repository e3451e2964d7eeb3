// dx = gamma · inv_std · dz, one Value: the statistics are constants, so no gradient flows through them. Masked rows are 0, whatever the variance.
struct Terms {
  statistics: Statistics,
  affine: Affine,
}

fn terms_of(channel: u32, statistics: Statistics, affine: Affine, gradients: Gradients) -> Terms {
  return Terms(statistics, affine);
}

fn store_terms(channel: u32, statistics: Statistics, gradients: Gradients) {
  store_affine(channel, statistics);
}

fn result_of(centered: Value, dz: Value, valid: Valid, terms: Terms) -> Result {
  return Result(where_valid(terms.affine.scale * dz, valid), dz);
}
