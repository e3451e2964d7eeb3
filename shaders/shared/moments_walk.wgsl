// The moments of the values on a walk, eight visits at a time.
//
// Numerics  a block's mean is found about the mean so far, where its values are small, and its m2 about
//           its own mean, so neither cancels. A loop's variable needs its initial value written out:
//           without one Tint and naga leave what the last turn left.
fn moments_of_walk(walk: Walk) -> Moments {
  var own: Moments;
  let step = params.inner_lanes * params.inner_stride;
  for (var outer = walk.outer; outer < walk.outer_end; outer += params.outer_lanes) {
    let line = walk.base + outer * params.outer_stride;
    for (var inner = walk.inner; inner < walk.inner_end;) {
      let i = line + inner * params.inner_stride;
      if (own.count == 0u) { own.mean = first_of(load_x(i)); }
      let center = Value(own.mean);
      if (inner + 7u * params.inner_lanes < walk.inner_end) {
        let d0 = opaque_value(load_x(i) - center);
        let d1 = opaque_value(load_x(i + step) - center);
        let d2 = opaque_value(load_x(i + 2u * step) - center);
        let d3 = opaque_value(load_x(i + 3u * step) - center);
        let d4 = opaque_value(load_x(i + 4u * step) - center);
        let d5 = opaque_value(load_x(i + 5u * step) - center);
        let d6 = opaque_value(load_x(i + 6u * step) - center);
        let d7 = opaque_value(load_x(i + 7u * step) - center);
        let mean = sum_of(((d0 + d1) + (d2 + d3)) + ((d4 + d5) + (d6 + d7))) * (0.125 / f32(VALUES));
        let about = Value(mean);
        let m2 = sum_of(
          ((square(d0 - about) + square(d1 - about)) + (square(d2 - about) + square(d3 - about)))
          + ((square(d4 - about) + square(d5 - about)) + (square(d6 - about) + square(d7 - about))));
        own = moments_join(own, 8u * VALUES, mean - own.mean_low, m2, Channel());
        inner += 8u * params.inner_lanes;
      } else {
        var sum = Value();
        var visits = 0u;
        for (var at = inner; at < walk.inner_end; at += params.inner_lanes) {
          sum += opaque_value(load_x(i + visits * step) - center);
          visits += 1u;
        }
        let mean = sum_of(sum) / f32(visits * VALUES);
        var m2 = Value();
        for (var visit = 0u; visit < visits; visit += 1u) {
          m2 += square(opaque_value(load_x(i + visit * step) - center) - Value(mean));
        }
        own = moments_join(own, visits * VALUES, mean - own.mean_low, sum_of(m2), Channel());
        inner = walk.inner_end;
      }
    }
  }
  return own;
}

fn square(value: Value) -> Value {
  return value * value;
}
