// The sums of the parts on a walk over them, in the workgroup's member 0.
fn sums_of_parts(walk: Walk) -> GradientSums {
  var own: GradientSums;
  for (var part = walk.inner; part < select(0u, walk.inner_end, walk.inside); part += params.inner_members) {
    let at = 2u * part * params.channels + walk.channel;
    own.dz = sum_add(own.dz, load_partials(at));
    own.dz_centered = sum_add(own.dz_centered, load_partials(at + params.channels));
  }
  return sums_add_group(own, walk);
}
