// The gradient sums of a walk of few visits, whose x − mean and dz stay in registers.
var<private> kept_centered: array<Value, KEPT>;
var<private> kept_dz: array<Value, KEPT>;

fn sums_of_walk(walk: Walk, statistics: Statistics, affine: Affine) -> GradientSums {
  var own: GradientSums;
  var dz = Value();
  var dz_centered = Value();
  var visit = visit_first(walk);
  for (var k = 0u; k < KEPT; k += 1u) {
    if (visit.there) {
      let i = index_of(walk, visit);
      let gradient = gradient_at(i, row_of(visit.outer, visit.inner), statistics, affine);
      kept_centered[k] = gradient.centered;
      kept_dz[k] = gradient.dz;
      dz += gradient.dz;
      dz_centered += gradient.dz * gradient.centered;
    }
    visit = visit_next(walk, visit);
  }
  own.dz = sum_add(own.dz, sum_of(dz));
  own.dz_centered = sum_add(own.dz_centered, sum_of(dz_centered));
  return own;
}
