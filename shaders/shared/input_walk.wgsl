// dx = gamma · inv_std · (dy − dbeta/rows − x_hat · dgamma/rows) along a walk.
fn input_walk(walk: Walk, statistics: Statistics, dbeta_mean: Channel, dgamma_mean: Channel) {
  let scale = Value(load_gamma(walk.channel) * statistics.inv_std);
  let shift = Value(dbeta_mean);
  let slope = Value(dgamma_mean * statistics.inv_std);
  let step = params.inner_lanes * params.inner_stride;
  for (var outer = walk.outer; outer < walk.outer_end; outer += params.outer_lanes) {
    let line = walk.base + outer * params.outer_stride;
    var inner = walk.inner;
    for (; inner + 3u * params.inner_lanes < walk.inner_end; inner += 4u * params.inner_lanes) {
      let i = line + inner * params.inner_stride;
      let dx0 = scale * ((load_dy(i) - shift) - centered(i, statistics) * slope);
      let dx1 = scale * ((load_dy(i + step) - shift) - centered(i + step, statistics) * slope);
      let dx2 = scale * ((load_dy(i + 2u * step) - shift) - centered(i + 2u * step, statistics) * slope);
      let dx3 = scale * ((load_dy(i + 3u * step) - shift) - centered(i + 3u * step, statistics) * slope);
      store_dx(i, dx0);
      store_dx(i + step, dx1);
      store_dx(i + 2u * step, dx2);
      store_dx(i + 3u * step, dx3);
    }
    for (; inner < walk.inner_end; inner += params.inner_lanes) {
      let i = line + inner * params.inner_stride;
      store_dx(i, scale * ((load_dy(i) - shift) - centered(i, statistics) * slope));
    }
  }
}
