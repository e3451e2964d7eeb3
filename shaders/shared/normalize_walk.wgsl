// y = gamma · (x − mean) · inv_std + beta along a walk.
//
// Numerics  subtracts the mean before scaling: folded into beta it would cancel when |mean| is large
//           beside the deviation.
fn normalize_walk(walk: Walk, statistics: Statistics) {
  let scale = Value(load_gamma(walk.channel) * statistics.inv_std);
  let beta = Value(load_beta(walk.channel));
  let step = params.inner_lanes * params.inner_stride;
  for (var outer = walk.outer; outer < walk.outer_end; outer += params.outer_lanes) {
    let line = walk.base + outer * params.outer_stride;
    var inner = walk.inner;
    for (; inner + 3u * params.inner_lanes < walk.inner_end; inner += 4u * params.inner_lanes) {
      let i = line + inner * params.inner_stride;
      let x0 = centered(i, statistics);
      let x1 = centered(i + step, statistics);
      let x2 = centered(i + 2u * step, statistics);
      let x3 = centered(i + 3u * step, statistics);
      store_y(i, x0 * scale + beta);
      store_y(i + step, x1 * scale + beta);
      store_y(i + 2u * step, x2 * scale + beta);
      store_y(i + 3u * step, x3 * scale + beta);
    }
    for (; inner < walk.inner_end; inner += params.inner_lanes) {
      let i = line + inner * params.inner_stride;
      store_y(i, centered(i, statistics) * scale + beta);
    }
  }
}
