// The gradient sums of the values on a walk.
//
// Numerics  eight visits are added plainly, then compensated, so a thread's error does not grow with its rows.
fn sums_of_walk(walk: Walk, statistics: Statistics) -> GradientSums {
  var own: GradientSums;
  let step = params.inner_lanes * params.inner_stride;
  for (var outer = walk.outer; outer < walk.outer_end; outer += params.outer_lanes) {
    let line = walk.base + outer * params.outer_stride;
    for (var inner = walk.inner; inner < walk.inner_end;) {
      var i = line + inner * params.inner_stride;
      var dy = Value();
      var dy_centered = Value();
      if (inner + 7u * params.inner_lanes < walk.inner_end) {
        let dy0 = load_dy(i);
        let dy1 = load_dy(i + step);
        let dy2 = load_dy(i + 2u * step);
        let dy3 = load_dy(i + 3u * step);
        let dy4 = load_dy(i + 4u * step);
        let dy5 = load_dy(i + 5u * step);
        let dy6 = load_dy(i + 6u * step);
        let dy7 = load_dy(i + 7u * step);
        dy = ((dy0 + dy1) + (dy2 + dy3)) + ((dy4 + dy5) + (dy6 + dy7));
        dy_centered = ((dy0 * centered(i, statistics) + dy1 * centered(i + step, statistics))
          + (dy2 * centered(i + 2u * step, statistics) + dy3 * centered(i + 3u * step, statistics)))
          + ((dy4 * centered(i + 4u * step, statistics) + dy5 * centered(i + 5u * step, statistics))
          + (dy6 * centered(i + 6u * step, statistics) + dy7 * centered(i + 7u * step, statistics)));
        inner += 8u * params.inner_lanes;
      } else {
        for (; inner < walk.inner_end; inner += params.inner_lanes) {
          let value = load_dy(i);
          dy += value;
          dy_centered += value * centered(i, statistics);
          i += step;
        }
      }
      own.dy = sum_add(own.dy, sum_of(dy));
      own.dy_centered = sum_add(own.dy_centered, sum_of(dy_centered));
    }
  }
  return own;
}
