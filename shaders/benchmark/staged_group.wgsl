// Adds a workgroup's sums, channel by channel, in a fixed tree over the members. The result stands at member 0.
var<workgroup> group_sums: array<Value, GROUP_SIZE>;

fn add_group(mine: Value, walk: Walk) -> Value {
  var own = mine;
  let i = walk.member * params.tile_channels + walk.place;
  if (walk.member < params.members) { group_sums[i] = own; }
  for (var half = params.members_ceil / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (walk.member < half && walk.member + half < params.members) {
      own += group_sums[i + half * params.tile_channels];
      group_sums[i] = own;
    }
  }
  return own;
}
