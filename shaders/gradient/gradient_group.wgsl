// Adds the gradient sums of a workgroup's threads, channel by channel, in a fixed tree over the lanes.
// The result stands at lane 0.
struct GradientSums {
  dy: Sum,             // Σ dy
  dy_centered: Sum,    // Σ dy · (x − mean)
}

struct Gradients {
  dgamma: Channel,
  dbeta: Channel,
}

var<workgroup> group_dy: array<Channel, GROUP_SIZE>;
var<workgroup> group_dy_centered: array<Channel, GROUP_SIZE>;

fn sums_share(i: u32, own: GradientSums) {
  group_dy[i] = own.dy.high + own.dy.low;
  group_dy_centered[i] = own.dy_centered.high + own.dy_centered.low;
}

fn sums_add_group(mine: GradientSums, walk: Walk) -> GradientSums {
  var own = mine;
  let i = walk.lane * params.tile_channels + walk.place;
  if (!GROUPED) { return own; }
  if (walk.lane < params.lanes) { sums_share(i, own); }
  for (var half = params.lanes_ceil / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (walk.lane < half && walk.lane + half < params.lanes) {
      let j = i + half * params.tile_channels;
      own.dy = sum_add(own.dy, group_dy[j]);
      own.dy_centered = sum_add(own.dy_centered, group_dy_centered[j]);
      sums_share(i, own);
    }
  }
  return own;
}
