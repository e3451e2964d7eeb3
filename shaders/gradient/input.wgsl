// dx and, behind an activation, dresidual: one Value of each.
struct Result {
  dx: Value,
  dresidual: Value,
}

fn result_at(i: u32, rows: Rows, terms: Terms) -> Result {
  let gradient = gradient_at(i, rows, terms.statistics, terms.affine);
  return result_of(gradient.centered, gradient.dz, valid_at(rows), terms);
}

fn write_result(i: u32, result: Result) {
  store_dx(i, result.dx);
  store_dresidual(i, result.dresidual);
}
