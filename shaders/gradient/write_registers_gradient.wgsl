// Writes result_of(x − mean, dz, …) along a walk whose values stayed in registers.
fn write_walk(walk: Walk, terms: Terms) {
  var iteration = iteration_first(walk);
  for (var k = 0u; k < REGISTER_ITERATIONS; k += 1u) {
    if (iteration.there) {
      let valid = valid_at(row_of(iteration.outer, iteration.inner));
      write_result(index_of(walk, iteration), result_of(registers_centered[k], registers_dz[k], valid, terms));
    }
    iteration = iteration_next(walk, iteration);
  }
}
