// dx = gamma · inv_std · (dz − dbeta/rows − x_hat · dgamma/rows), one Value. Masked rows are 0.
struct Terms {
  statistics: Statistics,
  activation: Activation,
  shift: Value,      // dbeta / rows
  slope: Value,      // dgamma / rows · inv_std
}

struct Result {
  dx: Value,
  dresidual: Value,
}

fn result_of(centered: Value, dz: Value, valid: Valid, terms: Terms) -> Result {
  let dx = terms.activation.scale * ((dz - terms.shift) - centered * terms.slope);
  return Result(where_valid(dx, valid), dz);
}

fn result_at(i: u32, rows: Rows, terms: Terms) -> Result {
  let gradient = gradient_at(i, rows, terms.statistics, terms.activation);
  return result_of(gradient.centered, gradient.dz, valid_at(rows), terms);
}
