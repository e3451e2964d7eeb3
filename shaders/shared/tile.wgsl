// Where a workgroup and its threads stand on the matrix.
//
// A workgroup owns COLUMNS adjacent Values of a row and LANES rows at a time; x walks channels, so
// neighbouring threads touch neighbouring addresses. Grids are folded to two dimensions.
override COLUMNS: u32 = 64;
override LANES: u32 = 4;
override GROUP_SIZE: u32 = 256;   // COLUMNS · LANES
override LANES_CEIL: u32 = 4;     // smallest power of two ≥ LANES

struct Place {
  tile: u32,    // which column tile
  part: u32,    // which share of the rows
}

fn place_of(group: vec3u, groups: vec3u) -> Place {
  let i = group.x + group.y * groups.x;
  return Place(i % params.tiles, i / params.tiles);
}
