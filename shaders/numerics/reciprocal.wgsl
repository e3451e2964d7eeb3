// 1 / count, and 0 for none. A Newton step brings division's 2.5 ULP down to 1.
fn reciprocal(count: u32) -> f32 {
  let n = f32(max(count, 1u));
  let r = 1.0 / n;
  return select(0.0, r * (2.0 - n * r), count > 0u);
}
