// Adds a workgroup's sums, channel by channel, in a fixed tree over the lanes. The result stands at lane 0.
var<workgroup> group_sums: array<Value, GROUP_SIZE>;

fn add_group(mine: Value, walk: Walk) -> Value {
  var own = mine;
  let i = walk.lane * params.tile_channels + walk.place;
  if (walk.lane < params.lanes) { group_sums[i] = own; }
  for (var half = params.lanes_ceil / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (walk.lane < half && walk.lane + half < params.lanes) {
      own += group_sums[i + half * params.tile_channels];
      group_sums[i] = own;
    }
  }
  return own;
}
