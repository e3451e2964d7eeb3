// y = gamma · (x − mean) · inv_std + beta, then residual and activation where the variant has them, one Value. Masked rows are 0.
struct Terms {
  statistics: Statistics,
  affine: Affine,
}

fn terms_of(channel: Index, statistics: Statistics) -> Terms {
  return Terms(statistics, affine_of(channel, statistics));
}

fn terms_at(channel: Index) -> Terms {
  return terms_of(channel, load_statistics(channel));
}

fn result_of(x: Value, i: u32, rows: Rows, terms: Terms) -> Value {
  let z = z_of(centered_of(x, terms.statistics), i, terms.affine);
  return where_valid(activate(z), valid_at(rows));
}

fn result_at(i: u32, rows: Rows, terms: Terms) -> Value {
  return result_of(load_x(i), i, rows, terms);
}

fn write_result(i: u32, y: Value) {
  store_y(i, y);
}
