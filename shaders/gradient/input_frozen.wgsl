// dx = gamma · inv_std · dz, one Value: the statistics are constants, so no gradient flows through them. Masked rows are 0.
struct Terms {
  statistics: Statistics,
  activation: Activation,
  shift: Value,
  slope: Value,
}

struct Result {
  dx: Value,
  dresidual: Value,
}

fn result_of(centered: Value, dz: Value, valid: Valid, terms: Terms) -> Result {
  return Result(terms.activation.scale * dz, dz);
}

fn result_at(i: u32, rows: Rows, terms: Terms) -> Result {
  let gradient = gradient_at(i, rows, terms.statistics, terms.activation);
  return result_of(gradient.centered, gradient.dz, valid_at(rows), terms);
}
