// x − mean, with the mean's low bits.
fn centered_of(x: Value, statistics: Statistics) -> Value {
  return opaque_value(x - Value(statistics.mean)) - Value(statistics.mean_low);
}
