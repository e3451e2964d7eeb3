// y = gamma · (x − mean) · inv_std + beta, one Value.
//
// Numerics  subtracts the mean before scaling: folded into beta it would cancel when |mean| is large
//           beside the deviation.
struct Terms {
  statistics: Statistics,
  scale: Value,
  shift: Value,
}

fn terms_of(channel: u32, statistics: Statistics) -> Terms {
  return Terms(statistics, Value(load_gamma(channel) * statistics.inv_std), Value(load_beta(channel)));
}

fn result_at(i: u32, terms: Terms) -> Value {
  return centered(i, terms.statistics) * terms.scale + terms.shift;
}

fn write_result(i: u32, y: Value) {
  store_y(i, y);
}
