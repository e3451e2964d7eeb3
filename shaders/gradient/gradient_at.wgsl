// dz, the gradient before the epilogue, and x − mean beside it, one Value.
//
//     dz = activate_gradient(z, dy) behind an activation; else dy
//
// Numerics  z is recomputed as the forward computed it, before any rounding for storage; its gradient at exactly 0
//           and NaN what the activation says. Masked rows are selected away, so NaN there is harmless.
struct Gradient {
  dz: Value,
  centered: Value,
}

fn gradient_at(i: u32, rows: Rows, statistics: Statistics, affine: Affine) -> Gradient {
  let centered = centered_of(load_x(i), statistics);
  var dz = load_dy(i);
  if (ACTIVATED) { dz = activate_gradient(z_of(centered, i, affine), dz); }
  let valid = valid_at(rows);
  return Gradient(where_valid(dz, valid), where_valid(centered, valid));
}
