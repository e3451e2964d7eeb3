// A sum kept as two floats: high is the rounded sum, low what the rounding lost, exactly.
//
// Source    Knuth, The Art of Computer Programming 2, 4.2.2, theorem B.
// Numerics  every step is opaque: reordered, they would cancel to low = 0.
struct Sum {
  high: Channel,
  low: Channel,
}

fn two_sum(a: Channel, b: Channel) -> Sum {
  let high = opaque(a + b);
  let b_part = opaque(high - a);
  let a_part = opaque(high - b_part);
  return Sum(high, opaque(a - a_part) + opaque(b - b_part));
}

fn sum_add(sum: Sum, value: Channel) -> Sum {
  let next = two_sum(sum.high, value);
  return Sum(next.high, sum.low + next.low);
}
