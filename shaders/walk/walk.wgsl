// Which values a thread iterations: a channel's, along two axes of the tensor, inner and outer.
//
// A workgroup owns tile_channels adjacent channels and one part of the rows. Its members stride along the axes; the
// planner picks which axis is inner, and in what order threads lie in memory, so that neighbours touch
// neighbouring addresses. No index is divided inside a loop. Grids are folded to two dimensions.
//
// A dispatch may see only a box of the tensor: some channels, and a base where the box begins in what is bound.
struct Walk {
  part: u32,
  channel: u32,
  exists: bool,         // whether the thread has a channel; in a box, a channel may have no values
  inside: bool,         // whether it has values
  place: u32,           // of the channel in the workgroup
  member: u32,
  base: u32,            // index of the channel's first value; wraps where the box begins at a later channel
  outer: u32,
  outer_end: u32,
  inner: u32,
  inner_end: u32,
}

fn walk_of(i: u32, group: vec3u, groups: vec3u) -> Walk {
  let number = group.x + group.y * groups.x;
  let part = number / params.tiles;
  let place = (i / params.channel_step) % params.tile_channels;
  let inner_member = (i / params.inner_step) % params.inner_members;
  let outer_member = (i / params.outer_step) % params.outer_members;
  let channel = (number % params.tiles) * params.tile_channels + place;
  let spare = i >= params.tile_channels * params.members;   // a thread without a member
  let exists = channel < params.channels && part < params.parts && !spare;
  let inside = exists && channel >= params.channel_first && channel < params.channel_end;
  let inner_first = (part % params.inner_parts) * params.inner_per_part;
  let outer_first = (part / params.inner_parts) * params.outer_per_part;
  return Walk(
    part, channel, exists, inside, place,
    select(outer_member * params.inner_members + inner_member, params.members, spare),
    params.base + channel * params.channel_stride,
    outer_first + outer_member,
    select(0u, min(outer_first + params.outer_per_part, params.outer_size), inside),
    inner_first + inner_member,
    min(inner_first + params.inner_per_part, params.inner_size),
  );
}

// The index in the mask of an iteration's row, or of its first row: rows count (batch, spatial) in order.
fn row_of(outer: u32, inner: u32) -> u32 {
  return params.row_base + outer * params.outer_rows + inner * params.inner_rows;
}
