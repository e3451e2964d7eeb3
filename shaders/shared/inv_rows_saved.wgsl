// 1 / (rows that the statistics were taken over).
fn load_inv_rows(channel: u32) -> f32 {
  return reciprocal(count_of(load_saved(4u * params.channels + channel)));
}
