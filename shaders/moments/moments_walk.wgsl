// The moments of the values on a walk that count, a block of iterations at a time.
//
// Numerics  a block is summed about the mean so far, the first about its own first value that counts. Where loads are unrolled
//           its squares are then taken about its own mean; else in the same turn: what that costs, a few times
//           2⁻²⁴ · (values of the block) · (its mean − the mean so far)², is small beside what the same difference adds
//           to m2, because a block has at most half as many values as came before it, but for the first few.
//           A masked value is selected away before it is added, so NaN there is harmless.
//           A loop's variable needs its initial value written out: without one Tint and naga leave what the last turn left.
const MOMENTS_BLOCK = 16u;   // most iterations of a block where loads are not unrolled

fn moments_of_walk(walk: Walk) -> Moments {
  var own: Moments;
  let members = params.inner_members;
  let step = members * params.inner_stride;
  let row_step = members * params.inner_rows;
  for (var outer = walk.outer; outer < walk.outer_end; outer += params.outer_members) {
    var i = walk.base + outer * params.outer_stride + walk.inner * params.inner_stride;
    var row = row_of(outer, walk.inner);
    for (var inner = walk.inner; inner < walk.inner_end;) {
      if (own.count == 0u) {   // on to the first row that counts
        for (; inner < walk.inner_end && count_at(row) == 0u; inner += members) {
          i += step;
          row += row_step;
        }
        if (inner >= walk.inner_end) { break; }
        own.mean = first_valid(load_x(i), valid_at(row));
      }
      let center = Value(own.mean);
      var count = 0u;
      var mean = Channel();
      var m2 = Channel();
      if (UNROLLED && inner + 7u * members < walk.inner_end) {
        let row1 = row + row_step;
        let row2 = row + 2u * row_step;
        let row3 = row + 3u * row_step;
        let row4 = row + 4u * row_step;
        let row5 = row + 5u * row_step;
        let row6 = row + 6u * row_step;
        let row7 = row + 7u * row_step;
        let d0 = deviation_at(i, row, center);
        let d1 = deviation_at(i + step, row1, center);
        let d2 = deviation_at(i + 2u * step, row2, center);
        let d3 = deviation_at(i + 3u * step, row3, center);
        let d4 = deviation_at(i + 4u * step, row4, center);
        let d5 = deviation_at(i + 5u * step, row5, center);
        let d6 = deviation_at(i + 6u * step, row6, center);
        let d7 = deviation_at(i + 7u * step, row7, center);
        count = ((count_at(row) + count_at(row1)) + (count_at(row2) + count_at(row3)))
          + ((count_at(row4) + count_at(row5)) + (count_at(row6) + count_at(row7)));
        mean = sum_of(((d0 + d1) + (d2 + d3)) + ((d4 + d5) + (d6 + d7))) / f32(max(count, 1u));
        let about = Value(mean);
        m2 = sum_of(
          ((square_at(d0, row, about) + square_at(d1, row1, about)) + (square_at(d2, row2, about) + square_at(d3, row3, about)))
          + ((square_at(d4, row4, about) + square_at(d5, row5, about)) + (square_at(d6, row6, about) + square_at(d7, row7, about))));
        inner += 8u * members;
        i += 8u * step;
        row += 8u * row_step;
      } else {
        let most = max(2u, own.count / 2u);
        var sum = Value();
        var squares = Value();
        for (var iterations = MOMENTS_BLOCK; iterations > 0u && count < most && inner < walk.inner_end; iterations -= 1u) {
          let d = deviation_at(i, row, center);
          sum += d;
          squares += d * d;
          count += count_at(row);
          inner += members;
          i += step;
          row += row_step;
        }
        let total = sum_of(sum);
        mean = total / f32(max(count, 1u));
        m2 = sum_of(squares) - mean * (2.0 * total - mean * f32(count));   // of this mean, however it was rounded
      }
      if (count > 0u) { own = moments_join(own, count, mean - own.mean_low, m2, Channel()); }
    }
  }
  return own;
}

fn deviation_at(i: u32, rows: Rows, center: Value) -> Value {
  let valid = valid_at(rows);
  return where_valid(arithmetic_fence_value(load_x(i) - center), valid);
}

fn square_at(deviation: Value, rows: Rows, about: Value) -> Value {
  let d = deviation - about;
  return where_valid(d * d, valid_at(rows));
}

fn count_at(rows: Rows) -> u32 {
  return count_valid(valid_at(rows));
}
