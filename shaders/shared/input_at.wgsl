// dx = gamma · inv_std · (dy − dbeta/rows − x_hat · dgamma/rows), one Value.
struct Terms {
  statistics: Statistics,
  scale: Value,
  shift: Value,
  slope: Value,
}

fn terms_of(channel: u32, statistics: Statistics, dbeta_mean: Channel, dgamma_mean: Channel) -> Terms {
  return Terms(
    statistics,
    Value(load_gamma(channel) * statistics.inv_std),
    Value(dbeta_mean),
    Value(dgamma_mean * statistics.inv_std),
  );
}

fn result_at(i: u32, terms: Terms) -> Value {
  return terms.scale * ((load_dy(i) - terms.shift) - centered(i, terms.statistics) * terms.slope);
}

fn write_result(i: u32, dx: Value) {
  store_dx(i, dx);
}
