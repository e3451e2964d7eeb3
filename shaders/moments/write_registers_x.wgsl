// Writes result_of(x, …) along a walk whose x stayed in registers.
fn write_walk(walk: Walk, terms: Terms) {
  var visit = visit_first(walk);
  for (var k = 0u; k < KEPT; k += 1u) {
    if (visit.there) {
      let i = index_of(walk, visit);
      write_result(i, result_of(kept_x[k], i, row_of(visit.outer, visit.inner), terms));
    }
    visit = visit_next(walk, visit);
  }
}
