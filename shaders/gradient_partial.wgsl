// One chunk of rows to Σ dy and Σ dy · (x − mean), per channel.
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3, ∂l/∂gamma and ∂l/∂beta; inv_std, the same
//           for every row, is left to the finish.
// Layout    x, dy: [rows, channels], channels innermost. partials: see shared/gradient_partials.wgsl.
// Threads   a workgroup owns a column tile and one split of the rows; its lanes stride through them.
// Traffic   8 · rows · channels bytes read; 8 bytes written per split and channel.
// Numerics  four rows are added plainly, then compensated, so a thread's error does not grow with its rows.
// Twin      src/reference/backward.ts
fn centered(i: u32, statistics: Statistics) -> Value {
  return opaque(load_x(i) - statistics.mean) - statistics.mean_low;
}

@compute @workgroup_size(COLUMNS, LANES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let place = place_of(group, groups);
  if (place.part >= params.splits) { return; }   // the same for the whole group
  let channel = place.tile * COLUMNS + lane.x;
  let inside = channel < params.channels;
  let first = place.part * params.rows_per_split;
  let end = select(0u, min(first + params.rows_per_split, params.rows), inside);
  let step = LANES * params.channels;
  let statistics = load_statistics(select(0u, channel, inside));

  var own: GradientSums;
  for (var row = first + lane.y; row < end;) {
    let i = row * params.channels + channel;
    var dy = load_dy(i);
    var dy_centered = dy * centered(i, statistics);
    if (row + 3u * LANES < end) {
      let dy1 = load_dy(i + step);
      let dy2 = load_dy(i + 2u * step);
      let dy3 = load_dy(i + 3u * step);
      dy = (dy + dy1) + (dy2 + dy3);
      dy_centered = (dy_centered + dy1 * centered(i + step, statistics))
        + (dy2 * centered(i + 2u * step, statistics) + dy3 * centered(i + 3u * step, statistics));
      row += 4u * LANES;
    } else {
      row += LANES;
    }
    own.dy = sum_add(own.dy, dy);
    own.dy_centered = sum_add(own.dy_centered, dy_centered);
  }

  own = sums_add_group(own, lane);
  if (lane.y == 0u && inside) {
    store_partials(partial_index(0u, place.part, channel), own.dy.high + own.dy.low);
    store_partials(partial_index(1u, place.part, channel), own.dy_centered.high + own.dy_centered.low);
  }
}
