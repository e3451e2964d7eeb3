// Merges the moments of a workgroup's threads, channel by channel, in a fixed tree over the members.
// The result stands at member 0.
var<workgroup> group_count: array<u32, GROUP_SIZE>;
var<workgroup> group_mean: array<Channel, GROUP_SIZE>;
var<workgroup> group_mean_low: array<Channel, GROUP_SIZE>;
var<workgroup> group_m2: array<Channel, GROUP_SIZE>;

fn moments_share(i: u32, own: Moments) {
  group_count[i] = own.count;
  group_mean[i] = own.mean;
  group_mean_low[i] = own.mean_low;
  group_m2[i] = own.m2 + own.m2_low;
}

fn moments_merge_group(mine: Moments, walk: Walk) -> Moments {
  var own = mine;
  let i = walk.member * params.tile_channels + walk.place;
  if (walk.member < params.members) { moments_share(i, own); }
  for (var half = params.members_ceil / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (walk.member < half && walk.member + half < params.members) {
      let j = i + half * params.tile_channels;
      own = moments_merge(own, Moments(group_count[j], group_mean[j], group_mean_low[j], group_m2[j], Channel()));
      moments_share(i, own);
    }
  }
  return own;
}

// Member 0 tells the others; its own slots are read by nobody else.
fn statistics_from_first(own: Statistics, walk: Walk) -> Statistics {
  if (walk.member == 0u) {
    group_mean[walk.place] = own.mean;
    group_mean_low[walk.place] = own.mean_low;
    group_m2[walk.place] = own.inv_std;
  }
  workgroupBarrier();
  return Statistics(group_mean[walk.place], group_mean_low[walk.place], group_m2[walk.place]);
}
