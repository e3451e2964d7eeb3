// A channel has one thread: nothing is added, and no barrier stands.
fn sums_add_group(own: GradientSums, walk: Walk) -> GradientSums {
  return own;
}

fn gradients_from_first(own: Gradients, walk: Walk) -> Gradients {
  return own;
}
