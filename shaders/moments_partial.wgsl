// One chunk of rows to (count, mean, m2), per channel.
//
// Source    Chan, Golub & LeVeque 1983; four rows at a time in registers, then merged.
// Layout    x: [rows, channels], channels innermost. partials: see shared/moments_partials.wgsl.
// Threads   a workgroup owns a column tile and one split of the rows; its lanes stride through them.
// Traffic   4 · rows · channels bytes read; 16 bytes written per split and channel.
// Numerics  see shared/moments.wgsl.
// Twin      src/reference/moments.ts
@compute @workgroup_size(COLUMNS, LANES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let place = place_of(group, groups);
  if (place.part >= params.splits) { return; }   // the same for the whole group
  let channel = place.tile * COLUMNS + lane.x;
  let first = place.part * params.rows_per_split;
  let end = select(0u, min(first + params.rows_per_split, params.rows), channel < params.channels);
  let step = LANES * params.channels;

  var own: Moments;
  for (var row = first + lane.y; row < end;) {
    let i = row * params.channels + channel;
    var next: Moments;
    if (row + 3u * LANES < end) {
      next = moments_of_four(load_x(i), load_x(i + step), load_x(i + 2u * step), load_x(i + 3u * step));
      row += 4u * LANES;
    } else {
      next = moments_of_one(load_x(i));
      row += LANES;
    }
    own = moments_merge(own, next);
  }

  own = moments_merge_group(own, lane);
  if (lane.y == 0u && channel < params.channels) {
    store_partials(partial_index(0u, place.part, channel), Word(own.count));
    store_partials(partial_index(1u, place.part, channel), bitcast<Word>(own.mean));
    store_partials(partial_index(2u, place.part, channel), bitcast<Word>(own.mean_low));
    store_partials(partial_index(3u, place.part, channel), bitcast<Word>(own.m2 + own.m2_low));
  }
}
