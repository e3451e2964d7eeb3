// The gradient sums of the values on a walk.
//
// Numerics  a block of iterations is added plainly, then compensated, so a thread's error does not grow with its rows.
const GRADIENT_BLOCK = 32u;   // most iterations of a block where loads are not unrolled

fn sums_of_walk(walk: Walk, statistics: Statistics, affine: Affine) -> GradientSums {
  var own: GradientSums;
  let members = params.inner_members;
  let step = members * params.inner_stride;
  let row_step = members * params.inner_rows;
  for (var outer = walk.outer; outer < walk.outer_end; outer += params.outer_members) {
    var i = walk.base + outer * params.outer_stride + walk.inner * params.inner_stride;
    var row = row_of(outer, walk.inner);
    for (var inner = walk.inner; inner < walk.inner_end;) {
      var dz = Value();
      var dz_centered = Value();
      if (UNROLLED && inner + 7u * members < walk.inner_end) {
        let g0 = gradient_at(i, row, statistics, affine);
        let g1 = gradient_at(i + step, row + row_step, statistics, affine);
        let g2 = gradient_at(i + 2u * step, row + 2u * row_step, statistics, affine);
        let g3 = gradient_at(i + 3u * step, row + 3u * row_step, statistics, affine);
        let g4 = gradient_at(i + 4u * step, row + 4u * row_step, statistics, affine);
        let g5 = gradient_at(i + 5u * step, row + 5u * row_step, statistics, affine);
        let g6 = gradient_at(i + 6u * step, row + 6u * row_step, statistics, affine);
        let g7 = gradient_at(i + 7u * step, row + 7u * row_step, statistics, affine);
        dz = ((g0.dz + g1.dz) + (g2.dz + g3.dz)) + ((g4.dz + g5.dz) + (g6.dz + g7.dz));
        dz_centered = ((g0.dz * g0.centered + g1.dz * g1.centered) + (g2.dz * g2.centered + g3.dz * g3.centered))
          + ((g4.dz * g4.centered + g5.dz * g5.centered) + (g6.dz * g6.centered + g7.dz * g7.centered));
        inner += 8u * members;
        i += 8u * step;
        row += 8u * row_step;
      } else {
        for (var iterations = GRADIENT_BLOCK; iterations > 0u && inner < walk.inner_end; iterations -= 1u) {
          let gradient = gradient_at(i, row, statistics, affine);
          dz += gradient.dz;
          dz_centered += gradient.dz * gradient.centered;
          inner += members;
          i += step;
          row += row_step;
        }
      }
      own.dz = sum_add(own.dz, sum_of(dz));
      own.dz_centered = sum_add(own.dz_centered, sum_of(dz_centered));
    }
  }
  return own;
}
