// 1 / √(variance + eps). A Newton step brings inverseSqrt's 2 ULP down to 1; where variance and eps are
// both 0 it is 0, so that y = beta and dx = 0 there.
fn inv_std_of(variance: Channel) -> Channel {
  let v = variance + params.eps;
  let positive = v > Channel();
  let safe = select(Channel(1.0), v, positive);
  let r = inverseSqrt(safe);
  return select(Channel(), r * (1.5 - 0.5 * (safe * r) * r), positive);
}
