// The moments of a walk of few iterations, in two passes over registers: the mean, then the squares about it.
//
// Numerics  values are taken about the first valid one, so the mean's low bits survive.
var<private> registers_x: array<Value, REGISTER_ITERATIONS>;

fn moments_of_walk(walk: Walk) -> Moments {
  var own: Moments;
  var sum = Value();
  var count = 0u;
  var iteration = iteration_first(walk);
  for (var k = 0u; k < REGISTER_ITERATIONS; k += 1u) {
    if (iteration.there) {
      let valid = valid_at(row_of(iteration.outer, iteration.inner));
      let x = load_x(index_of(walk, iteration));
      registers_x[k] = x;
      if (count == 0u && count_valid(valid) > 0u) { own.mean = first_valid(x, valid); }
      sum += where_valid(arithmetic_fence_value(x - Value(own.mean)), valid);
      count += count_valid(valid);
    }
    iteration = iteration_next(walk, iteration);
  }
  if (count == 0u) { return own; }
  let mean = sum_of(sum) / f32(count);
  var m2 = Value();
  iteration = iteration_first(walk);
  for (var k = 0u; k < REGISTER_ITERATIONS; k += 1u) {
    if (iteration.there) {
      let valid = valid_at(row_of(iteration.outer, iteration.inner));
      let off = arithmetic_fence_value(registers_x[k] - Value(own.mean)) - Value(mean);
      m2 += where_valid(off * off, valid);
    }
    iteration = iteration_next(walk, iteration);
  }
  return moments_join(own, count, mean, sum_of(m2), Channel());
}
