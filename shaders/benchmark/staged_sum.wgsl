// One node of the computational graph whose gradient is a column sum: Σ term_of(operands, vectors, value) over
// one part of the rows, and, where the node also passes a matrix on, that value stored from the same read.
// Joined with partials as its operand it is the finalize of such a sum.
//
// Source    reverse-mode differentiation of Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 1; the
//           formula is the step's, in src/benchmark/staged.ts, from which operands, vectors, value_of,
//           store_value and term_of are generated.
// Layout    matrices: [rows, channels], channels innermost. sums: [slots, channels], a slot for each part,
//           or where members are not merged for each member of each part.
// Threads   a workgroup owns a tile of channels and one part of the rows; see walk/walk.wgsl.
// Traffic   4 bytes an element for each matrix read or written; 4 bytes written per slot and channel.
// Numerics  plain f32 sums; unrolled, four rows are paired at a time.
// Twin      src/reference/staged.ts
@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(local_invocation_index) i: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let walk = walk_of(i, group, groups);
  let at = vectors(select(0u, walk.channel, walk.inside));
  let end = select(0u, walk.inner_end, walk.inside);   // a member without rows adds 0 and meets the barriers
  let members = params.inner_members;
  let step = members * params.inner_stride;
  var own = Value();
  var inner = walk.inner;
  var index = walk.base + inner * params.inner_stride;
  if (UNROLLED) {
    for (; inner + 3u * members < end; inner += 4u * members) {
      let read0 = operands(index);
      let read1 = operands(index + step);
      let read2 = operands(index + 2u * step);
      let read3 = operands(index + 3u * step);
      let value0 = value_of(read0, at);
      let value1 = value_of(read1, at);
      let value2 = value_of(read2, at);
      let value3 = value_of(read3, at);
      store_value(index, value0);
      store_value(index + step, value1);
      store_value(index + 2u * step, value2);
      store_value(index + 3u * step, value3);
      own += (term_of(read0, at, value0) + term_of(read1, at, value1)) + (term_of(read2, at, value2) + term_of(read3, at, value3));
      index += 4u * step;
    }
  }
  for (; inner < end; inner += members) {
    let read0 = operands(index);
    let value0 = value_of(read0, at);
    store_value(index, value0);
    own += term_of(read0, at, value0);
    index += step;
  }
  own = add_group(own, walk);
  if (walk.inside && (walk.member == 0u || !GROUPED)) {
    let slot = select(walk.part * params.members + walk.member, walk.part, GROUPED);
    sums[slot * params.channels + walk.channel] = own;
  }
}
