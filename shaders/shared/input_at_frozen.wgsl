// dx = gamma · inv_std · dy, one Value: the statistics are constants, so no gradient flows through them.
struct Terms {
  scale: Value,
}

fn terms_of(channel: u32, statistics: Statistics, dbeta_mean: Channel, dgamma_mean: Channel) -> Terms {
  return Terms(Value(load_gamma(channel) * statistics.inv_std));
}

fn result_at(i: u32, terms: Terms) -> Value {
  return terms.scale * load_dy(i);
}

fn write_result(i: u32, dx: Value) {
  store_dx(i, dx);
}
