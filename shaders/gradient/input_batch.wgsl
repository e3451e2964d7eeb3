// dx = gamma · inv_std · (dz − dbeta/rows − x_hat · dgamma/rows), one Value. Masked rows are 0.
//
// Layout    coefficients: see gradient/coefficients.wgsl; then mean_dz and mean_dz_x_hat.
struct Terms {
  statistics: Statistics,
  affine: Affine,
  mean_dz: Value,          // dbeta / rows
  mean_dz_x_hat: Value,    // dgamma / rows · inv_std, so that x − mean stands beside it and not x_hat
}

fn terms_of(channel: u32, statistics: Statistics, affine: Affine, gradients: Gradients) -> Terms {
  let inv_rows = load_inv_rows(channel);
  return Terms(statistics, affine, Value(gradients.dbeta * inv_rows), Value(gradients.dgamma * inv_rows * statistics.inv_std));
}

fn store_terms(channel: u32, statistics: Statistics, gradients: Gradients) {
  let inv_rows = load_inv_rows(channel);
  store_affine(channel, statistics);
  store_coefficients(4u * params.channels + channel, gradients.dbeta * inv_rows);
  store_coefficients(5u * params.channels + channel, gradients.dgamma * inv_rows * statistics.inv_std);
}

fn terms_at(channel: Index) -> Terms {
  return Terms(
    packed_statistics(channel), packed_affine(channel),
    Value(load_coefficients(4u * params.channels + channel)),
    Value(load_coefficients(5u * params.channels + channel)),
  );
}

// 1 / (rows that the statistics were taken over).
fn load_inv_rows(channel: u32) -> f32 {
  return reciprocal(count_of(load_saved(4u * params.channels + channel)));
}

fn result_of(centered: Value, dz: Value, valid: Valid, terms: Terms) -> Result {
  let dx = terms.affine.scale * ((dz - terms.mean_dz) - centered * terms.mean_dz_x_hat);
  return Result(where_valid(dx, valid), dz);
}
