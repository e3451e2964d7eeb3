// The elementwise pass over a tile: its channel's terms are loaded once.
fn apply(i: u32, group: vec3u, groups: vec3u) {
  let walk = walk_of(i, group, groups);
  if (!walk.inside) { return; }
  write_walk(walk, terms_at(walk.channel));
}
