// Writes result_of(x, …) along a walk whose x stayed in registers.
fn write_walk(walk: Walk, terms: Terms) {
  var iteration = iteration_first(walk);
  for (var k = 0u; k < REGISTER_ITERATIONS; k += 1u) {
    if (iteration.there) {
      let i = index_of(walk, iteration);
      write_result(i, result_of(registers_x[k], i, row_of(iteration.outer, iteration.inner), terms));
    }
    iteration = iteration_next(walk, iteration);
  }
}
