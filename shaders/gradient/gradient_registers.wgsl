// The gradient sums of a walk of few iterations, whose x − mean and dz stay in registers.
var<private> registers_centered: array<Value, REGISTER_ITERATIONS>;
var<private> registers_dz: array<Value, REGISTER_ITERATIONS>;

fn sums_of_walk(walk: Walk, statistics: Statistics, affine: Affine) -> GradientSums {
  var own: GradientSums;
  var dz = Value();
  var dz_centered = Value();
  var iteration = iteration_first(walk);
  for (var k = 0u; k < REGISTER_ITERATIONS; k += 1u) {
    if (iteration.there) {
      let i = index_of(walk, iteration);
      let gradient = gradient_at(i, row_of(iteration.outer, iteration.inner), statistics, affine);
      registers_centered[k] = gradient.centered;
      registers_dz[k] = gradient.dz;
      dz += gradient.dz;
      dz_centered += gradient.dz * gradient.centered;
    }
    iteration = iteration_next(walk, iteration);
  }
  own.dz = sum_add(own.dz, sum_of(dz));
  own.dz_centered = sum_add(own.dz_centered, sum_of(dz_centered));
  return own;
}
