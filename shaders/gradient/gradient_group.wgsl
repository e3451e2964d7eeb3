// Adds the gradient sums of a workgroup's threads, channel by channel, in a fixed tree over the members.
// The result stands at member 0.
var<workgroup> group_dz: array<Channel, GROUP_SIZE>;
var<workgroup> group_dz_centered: array<Channel, GROUP_SIZE>;

fn sums_share(i: u32, own: GradientSums) {
  group_dz[i] = own.dz.high + own.dz.low;
  group_dz_centered[i] = own.dz_centered.high + own.dz_centered.low;
}

fn sums_add_group(mine: GradientSums, walk: Walk) -> GradientSums {
  var own = mine;
  let i = walk.member * params.tile_channels + walk.place;
  if (walk.member < params.members) { sums_share(i, own); }
  for (var half = params.members_ceil / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (walk.member < half && walk.member + half < params.members) {
      let j = i + half * params.tile_channels;
      own.dz = sum_add(own.dz, group_dz[j]);
      own.dz_centered = sum_add(own.dz_centered, group_dz_centered[j]);
      sums_share(i, own);
    }
  }
  return own;
}

// Member 0 tells the others; its own slots are read by nobody else.
fn gradients_from_first(own: Gradients, walk: Walk) -> Gradients {
  if (walk.member == 0u) {
    group_dz[walk.place] = own.dbeta;
    group_dz_centered[walk.place] = own.dgamma;
  }
  workgroupBarrier();
  return Gradients(group_dz_centered[walk.place], group_dz[walk.place]);
}
