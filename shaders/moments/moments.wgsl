// count, mean and m2 = Σ (x − mean)² of a part of a channel: an empty value and a merge.
//
// Source    Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", eq. 2.1.
// Numerics  mean and m2 are each two floats. A merge starts from the larger part, so that its rounding,
//           2⁻²⁴ · |difference of means| · (its share of the rows), stays below 2⁻²⁴ deviations whatever
//           the mean and the order of the rows.
// Twin      src/reference/moments.ts
struct Moments {
  count: u32,
  mean: Channel,
  mean_low: Channel,
  m2: Channel,
  m2_low: Channel,
}

fn moments_merge(a: Moments, b: Moments) -> Moments {
  var large = a;
  var small = b;
  if (b.count > a.count) {
    large = b;
    small = a;
  }
  if (small.count == 0u) { return large; }
  let delta = arithmetic_fence(small.mean - large.mean) + (small.mean_low - large.mean_low);
  return moments_join(large, small.count, delta, small.m2, small.m2_low);
}

// Joins rows whose mean is own.mean + own.mean_low + delta.
fn moments_join(own: Moments, added: u32, delta: Channel, m2: Channel, m2_low: Channel) -> Moments {
  let count = own.count + added;
  let share = f32(added) / f32(count);
  let mean = two_sum(own.mean, own.mean_low + delta * share);
  let between = (delta * share) * (delta * f32(own.count));
  let total = two_sum(own.m2, m2 + between);
  return Moments(count, mean.high, mean.low, total.high, total.low + (own.m2_low + m2_low));
}
