// 1 / √(variance + eps). A Newton step brings inverseSqrt's 2 ULP down to 1. Where the sum is 0 it is 0, so that y = beta
// and dx = 0 there; of +∞ it is 0; of a NaN or what is below 0 it is NaN.
//
// Numerics  told by the bits, as in nan_kept. What is below the smallest normal f32 counts as 0 (eps: by the host),
//           for an adapter may flush it or not.
fn inv_std_of(variance: Channel) -> Channel {
  let counted = (bitcast<Word>(variance) & Word(0x7fffffffu)) >= Word(0x00800000u);
  let v = select(Channel(), variance, counted) + params.eps;
  let bits = bitcast<Word>(v);
  let normal = bits - Word(0x00800000u) < Word(0x7f000000u);   // above 0 and finite
  let safe = select(Channel(1.0), v, normal);
  let r = inverseSqrt(safe);
  let none = ((bits & Word(0x7fffffffu)) < Word(0x00800000u)) | (bits == Word(0x7f800000u));
  let broken = bitcast<Channel>(select(bits | Word(0x7fc00000u), Word(), none));
  return select(broken, r * (1.5 - 0.5 * (safe * r) * r), normal);
}
