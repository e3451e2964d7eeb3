// count, mean and m2 = Σ (x − mean)² of a part of a column: an empty value and a merge.
//
// Source    Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", eq. 2.1.
// Numerics  mean and m2 are each two floats. A merge starts from the larger part, so that its rounding,
//           2⁻²⁴ · |difference of means| · (its share of the rows), stays below 2⁻²⁴ deviations whatever
//           the mean and the order of the rows.
// Twin      src/reference/moments.ts
struct Moments {
  count: u32,
  mean: Value,
  mean_low: Value,
  m2: Value,
  m2_low: Value,
}

fn moments_merge(a: Moments, b: Moments) -> Moments {
  var large = a;
  var small = b;
  if (b.count > a.count) {
    large = b;
    small = a;
  }
  if (small.count == 0u) { return large; }
  let count = large.count + small.count;
  let share = f32(small.count) / f32(count);
  let delta = opaque(small.mean - large.mean) + (small.mean_low - large.mean_low);
  let mean = two_sum(large.mean, large.mean_low + delta * share);
  let between = (delta * share) * (delta * f32(large.count));
  let m2 = two_sum(large.m2, small.m2 + between);
  return Moments(count, mean.high, mean.low, m2.high, m2.low + (large.m2_low + small.m2_low));
}

fn moments_of_one(x: Value) -> Moments {
  return Moments(1u, x, Value(), Value(), Value());
}

// The first value is the shift: the differences are small where the values are large and close.
fn moments_of_four(x0: Value, x1: Value, x2: Value, x3: Value) -> Moments {
  let d1 = opaque(x1 - x0);
  let d2 = opaque(x2 - x0);
  let d3 = opaque(x3 - x0);
  let shift = ((d1 + d2) + d3) * 0.25;
  let mean = two_sum(x0, shift);
  let e1 = d1 - shift;
  let e2 = d2 - shift;
  let e3 = d3 - shift;
  let m2 = (shift * shift + e1 * e1) + (e2 * e2 + e3 * e3);
  return Moments(4u, mean.high, mean.low, m2, Value());
}
