// dz, the gradient before the epilogue, and x − mean beside it, one Value.
//
//     dz = dy where z > 0, else 0, behind a ReLU; else dy
//
// Numerics  z is recomputed as the forward computed it, before any rounding for storage; at exactly 0 the gradient
//           is 0. Masked rows are selected away, so NaN there is harmless.
struct Gradient {
  dz: Value,
  centered: Value,
}

fn gradient_at(i: u32, rows: Rows, statistics: Statistics, activation: Activation) -> Gradient {
  let centered = centered_of(load_x(i), statistics);
  var dz = load_dy(i);
  if (RELU) { dz = select(Value(), dz, z_of(centered, i, activation) > Value()); }
  let valid = valid_at(rows);
  return Gradient(where_valid(dz, valid), where_valid(centered, valid));
}
