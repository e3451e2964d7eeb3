// A walk of few iterations whose values stay in registers between the two times they are needed.
//
// Loops over `REGISTER_ITERATIONS` have a constant length, so that a compiler can unroll them and give each value its register.
const REGISTER_ITERATIONS = 8u;

struct Iteration {
  there: bool,
  outer: u32,
  inner: u32,
}

fn iteration_first(walk: Walk) -> Iteration {
  return iteration_at(walk, walk.outer, walk.inner);
}

fn iteration_next(walk: Walk, iteration: Iteration) -> Iteration {
  let inner = iteration.inner + params.inner_members;
  if (inner < walk.inner_end) { return iteration_at(walk, iteration.outer, inner); }
  return iteration_at(walk, iteration.outer + params.outer_members, walk.inner);
}

fn iteration_at(walk: Walk, outer: u32, inner: u32) -> Iteration {
  return Iteration(outer < walk.outer_end && inner < walk.inner_end, outer, inner);
}

fn index_of(walk: Walk, iteration: Iteration) -> u32 {
  return walk.base + iteration.outer * params.outer_stride + iteration.inner * params.inner_stride;
}
