// The moments of a walk of few visits, in two passes over registers: the mean, then the squares about it.
//
// Numerics  values are taken about the first valid one, so the mean's low bits survive.
var<private> kept_x: array<Value, KEPT>;

fn moments_of_walk(walk: Walk) -> Moments {
  var own: Moments;
  var sum = Value();
  var count = 0u;
  var visit = visit_first(walk);
  for (var k = 0u; k < KEPT; k += 1u) {
    if (visit.there) {
      let valid = valid_at(row_of(visit.outer, visit.inner));
      let x = load_x(index_of(walk, visit));
      kept_x[k] = x;
      if (count == 0u && count_valid(valid) > 0u) { own.mean = first_valid(x, valid); }
      sum += where_valid(opaque_value(x - Value(own.mean)), valid);
      count += count_valid(valid);
    }
    visit = visit_next(walk, visit);
  }
  if (count == 0u) { return own; }
  let mean = sum_of(sum) / f32(count);
  var m2 = Value();
  visit = visit_first(walk);
  for (var k = 0u; k < KEPT; k += 1u) {
    if (visit.there) {
      let valid = valid_at(row_of(visit.outer, visit.inner));
      let off = opaque_value(kept_x[k] - Value(own.mean)) - Value(mean);
      m2 += where_valid(off * off, valid);
    }
    visit = visit_next(walk, visit);
  }
  return moments_join(own, count, mean, sum_of(m2), Channel());
}
