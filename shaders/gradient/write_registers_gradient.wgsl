// Writes result_of(x − mean, dz, …) along a walk whose values stayed in registers.
fn write_walk(walk: Walk, terms: Terms) {
  var visit = visit_first(walk);
  for (var k = 0u; k < KEPT; k += 1u) {
    if (visit.there) {
      let valid = valid_at(row_of(visit.outer, visit.inner));
      write_result(index_of(walk, visit), result_of(kept_centered[k], kept_dz[k], valid, terms));
    }
    visit = visit_next(walk, visit);
  }
}
