// A sum kept as two floats: high is the rounded sum, low what the rounding lost, exactly.
//
// Source    Knuth, The Art of Computer Programming 2, 4.2.2, theorem B.
// Numerics  every step stands behind a fence: reordered, they would cancel to low = 0.
struct Sum {
  high: Channel,
  low: Channel,
}

fn two_sum(a: Channel, b: Channel) -> Sum {
  let high = arithmetic_fence(a + b);
  let b_part = arithmetic_fence(high - a);
  let a_part = arithmetic_fence(high - b_part);
  return Sum(high, arithmetic_fence(a - a_part) + arithmetic_fence(b - b_part));
}

fn sum_add(sum: Sum, value: Channel) -> Sum {
  let next = two_sum(sum.high, value);
  return Sum(next.high, sum.low + next.low);
}
