// A walk of few visits whose values stay in registers between the two times they are needed.
//
// Loops over `KEPT` have a constant length, so that a compiler can unroll them and give each value its register.
const KEPT = 8u;

struct Visit {
  there: bool,
  outer: u32,
  inner: u32,
}

fn visit_first(walk: Walk) -> Visit {
  return visit_at(walk, walk.outer, walk.inner);
}

fn visit_next(walk: Walk, visit: Visit) -> Visit {
  let inner = visit.inner + params.inner_lanes;
  if (inner < walk.inner_end) { return visit_at(walk, visit.outer, inner); }
  return visit_at(walk, visit.outer + params.outer_lanes, walk.inner);
}

fn visit_at(walk: Walk, outer: u32, inner: u32) -> Visit {
  return Visit(outer < walk.outer_end && inner < walk.inner_end, outer, inner);
}

fn index_of(walk: Walk, visit: Visit) -> u32 {
  return walk.base + visit.outer * params.outer_stride + visit.inner * params.inner_stride;
}
