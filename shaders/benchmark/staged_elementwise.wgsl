// One elementwise node of the computational graph: value_of(operands, vectors), stored.
//
// Source    reverse-mode differentiation of Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 1; the
//           formula is the step's, in src/benchmark/staged.ts, from which operands, vectors, value_of and
//           store_value are generated.
// Layout    matrices: [rows, channels], channels innermost. Vectors: [channels], as matrices of one row.
// Threads   a workgroup owns a tile of channels and one part of the rows; see walk/walk.wgsl.
// Traffic   4 bytes an element for each matrix read and for the one written.
// Numerics  plain f32.
// Twin      src/reference/staged.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let walk = walk_of(i, group, groups);
  if (!walk.inside) { return; }
  let at = vectors(walk.channel);
  let members = params.inner_members;
  let step = members * params.inner_stride;
  var inner = walk.inner;
  var index = walk.base + inner * params.inner_stride;
  if (UNROLLED) {
    for (; inner + 3u * members < walk.inner_end; inner += 4u * members) {
      let read0 = operands(index);
      let read1 = operands(index + step);
      let read2 = operands(index + 2u * step);
      let read3 = operands(index + 3u * step);
      store_value(index, value_of(read0, at));
      store_value(index + step, value_of(read1, at));
      store_value(index + 2u * step, value_of(read2, at));
      store_value(index + 3u * step, value_of(read3, at));
      index += 4u * step;
    }
  }
  for (; inner < walk.inner_end; inner += members) {
    store_value(index, value_of(operands(index), at));
    index += step;
  }
}
