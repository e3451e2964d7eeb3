// Merges the moments of a workgroup's threads, column by column, in a fixed tree over the lanes.
// The result stands at lane 0.
var<workgroup> group_count: array<u32, GROUP_SIZE>;
var<workgroup> group_mean: array<Value, GROUP_SIZE>;
var<workgroup> group_mean_low: array<Value, GROUP_SIZE>;
var<workgroup> group_m2: array<Value, GROUP_SIZE>;

fn moments_share(i: u32, own: Moments) {
  group_count[i] = own.count;
  group_mean[i] = own.mean;
  group_mean_low[i] = own.mean_low;
  group_m2[i] = own.m2 + own.m2_low;
}

fn moments_merge_group(mine: Moments, lane: vec3u) -> Moments {
  var own = mine;
  let i = lane.y * COLUMNS + lane.x;
  moments_share(i, own);
  for (var half = LANES_CEIL / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane.y < half && lane.y + half < LANES) {
      let j = i + half * COLUMNS;
      own = moments_merge(own, Moments(group_count[j], group_mean[j], group_mean_low[j], group_m2[j], Value()));
      moments_share(i, own);
    }
  }
  return own;
}
