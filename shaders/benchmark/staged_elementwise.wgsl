// One elementwise node of the computational graph: value_of(operands, vectors), stored.
//
// Source    reverse-mode differentiation of Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 1; the
//           formula is the step's, in src/benchmark/staged.ts, from which operands, vectors, value_of and
//           store_value are generated.
// Layout    matrices: [rows, channels], channels innermost. Vectors: [channels], as matrices of one row.
// Threads   a workgroup owns a tile of channels and one part of the rows; see shared/walk.wgsl.
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
  let step = params.inner_lanes * params.inner_stride;
  var inner = walk.inner;
  for (; inner + 3u * params.inner_lanes < walk.inner_end; inner += 4u * params.inner_lanes) {
    let first = walk.base + inner * params.inner_stride;
    let read0 = operands(first);
    let read1 = operands(first + step);
    let read2 = operands(first + 2u * step);
    let read3 = operands(first + 3u * step);
    store_value(first, value_of(read0, at));
    store_value(first + step, value_of(read1, at));
    store_value(first + 2u * step, value_of(read2, at));
    store_value(first + 3u * step, value_of(read3, at));
  }
  for (; inner < walk.inner_end; inner += params.inner_lanes) {
    let last = walk.base + inner * params.inner_stride;
    store_value(last, value_of(operands(last), at));
  }
}
