// Adds the gradient sums of a workgroup's threads, column by column, in a fixed tree over the lanes.
// The result stands at lane 0.
struct GradientSums {
  dy: Sum,             // Σ dy
  dy_centered: Sum,    // Σ dy · (x − mean)
}

var<workgroup> group_dy: array<Value, GROUP_SIZE>;
var<workgroup> group_dy_centered: array<Value, GROUP_SIZE>;

fn sums_share(i: u32, own: GradientSums) {
  group_dy[i] = own.dy.high + own.dy.low;
  group_dy_centered[i] = own.dy_centered.high + own.dy_centered.low;
}

fn sums_add_group(mine: GradientSums, lane: vec3u) -> GradientSums {
  var own = mine;
  let i = lane.y * COLUMNS + lane.x;
  sums_share(i, own);
  for (var half = LANES_CEIL / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane.y < half && lane.y + half < LANES) {
      let j = i + half * COLUMNS;
      own.dy = sum_add(own.dy, group_dy[j]);
      own.dy_centered = sum_add(own.dy_centered, group_dy_centered[j]);
      sums_share(i, own);
    }
  }
  return own;
}
