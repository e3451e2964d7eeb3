// Writes result_at(i, rows, terms) along a walk; unrolled, four iterations a turn: their loads need not wait for each other.
// Terms, result_at and write_result are the chosen formula's.
fn write_walk(walk: Walk, terms: Terms) {
  let members = params.inner_members;
  let step = members * params.inner_stride;
  let row_step = members * params.inner_rows;
  for (var outer = walk.outer; outer < walk.outer_end; outer += params.outer_members) {
    var i = walk.base + outer * params.outer_stride + walk.inner * params.inner_stride;
    var row = row_of(outer, walk.inner);
    var inner = walk.inner;
    if (UNROLLED) {
      for (; inner + 3u * members < walk.inner_end; inner += 4u * members) {
        let result0 = result_at(i, row, terms);
        let result1 = result_at(i + step, row + row_step, terms);
        let result2 = result_at(i + 2u * step, row + 2u * row_step, terms);
        let result3 = result_at(i + 3u * step, row + 3u * row_step, terms);
        write_result(i, result0);
        write_result(i + step, result1);
        write_result(i + 2u * step, result2);
        write_result(i + 3u * step, result3);
        i += 4u * step;
        row += 4u * row_step;
      }
    }
    for (; inner < walk.inner_end; inner += members) {
      write_result(i, result_at(i, row, terms));
      i += step;
      row += row_step;
    }
  }
}
