// x − mean, with the mean's low bits.
fn centered(i: u32, statistics: Statistics) -> Value {
  return opaque_value(load_x(i) - Value(statistics.mean)) - Value(statistics.mean_low);
}
