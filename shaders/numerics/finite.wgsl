// The value where it is finite, else NaN: a plain infinity would later be taken for a large number.
//
// Numerics  told by its bits, as in nan_kept; of an infinity or a NaN they become those of a NaN.
fn nan_unless_finite(value: Channel) -> Channel {
  let bits = bitcast<Word>(value);
  return bitcast<Channel>(select(bits, bits | Word(0x7fc00000u), (bits & Word(0x7f800000u)) == Word(0x7f800000u)));
}
