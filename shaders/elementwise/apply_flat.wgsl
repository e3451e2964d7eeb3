// The elementwise pass over words of two halves, each of a channel of its own: a thread a word, so that no two
// threads write one, wherever rows or planes of odd length begin.
fn apply(i: u32, group: vec3u, groups: vec3u) {
  let number = group.x + group.y * groups.x;
  if (number >= params.flat_groups) { return; }   // grids are folded
  let step = GROUP_SIZE * params.flat_groups;
  for (var word = number * GROUP_SIZE + i; word < params.flat_words; word += step) {
    let first = params.flat_first + 2u * word;   // element; one division chain for both of the word
    let line = first / params.flat_spatial;
    let s = first - line * params.flat_spatial;
    let n = line / params.channels;
    let c = line - n * params.channels;
    let row = n * params.flat_spatial + s;
    let ends_plane = s + 1u == params.flat_spatial;
    let ends_line = ends_plane && c + 1u == params.channels;
    let next_channel = select(select(c, c + 1u, ends_plane), 0u, ends_line);
    let next_row = select(select(row + 1u, row - s, ends_plane), (n + 1u) * params.flat_spatial, ends_line);
    let last = first + 1u == params.flat_end;    // the other half is padding: any row of the tensor will do
    let rows = vec2u(row, select(next_row, row, last));
    write_result(word, result_at(word, rows, terms_at(vec2u(c, next_channel))));
  }
}
