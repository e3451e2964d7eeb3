// The moments of the unmasked values on a walk, up to eight visits at a time; see moments_walk.
//
// Numerics  a masked value is selected away before it is added, so NaN there is harmless.
fn moments_of_walk(walk: Walk) -> Moments {
  var own: Moments;
  let step = params.inner_lanes * params.inner_stride;
  let row_step = params.inner_lanes * params.inner_rows;
  for (var outer = walk.outer; outer < walk.outer_end; outer += params.outer_lanes) {
    let line = walk.base + outer * params.outer_stride;
    for (var inner = walk.inner; inner < walk.inner_end; inner += 8u * params.inner_lanes) {
      let i = line + inner * params.inner_stride;
      let row = row_of(outer, inner);
      let visits = min(8u, (walk.inner_end - inner + params.inner_lanes - 1u) / params.inner_lanes);
      if (own.count == 0u) {
        for (var visit = 0u; visit < visits; visit += 1u) {
          let valid = valid_at(row + visit * row_step);
          if (count_valid(valid) > 0u) {
            own.mean = first_valid(load_x(i + visit * step), valid);
            break;
          }
        }
      }
      let center = Value(own.mean);
      var sum = Value();
      var count = 0u;
      for (var visit = 0u; visit < visits; visit += 1u) {
        let valid = valid_at(row + visit * row_step);
        sum += where_valid(opaque_value(load_x(i + visit * step) - center), valid);
        count += count_valid(valid);
      }
      if (count > 0u) {
        let mean = sum_of(sum) / f32(count);
        var m2 = Value();
        for (var visit = 0u; visit < visits; visit += 1u) {
          let valid = valid_at(row + visit * row_step);
          m2 += where_valid(square(opaque_value(load_x(i + visit * step) - center) - Value(mean)), valid);
        }
        own = moments_join(own, count, mean - own.mean_low, sum_of(m2), Channel());
      }
    }
  }
  return own;
}

fn square(value: Value) -> Value {
  return value * value;
}
