// The moments of the parts on a walk over them, in the workgroup's member 0.
fn moments_of_parts(walk: Walk) -> Moments {
  var own: Moments;
  for (var part = walk.inner; part < select(0u, walk.inner_end, walk.inside); part += params.inner_members) {
    let at = 4u * part * params.channels + walk.channel;
    own = moments_merge(own, Moments(
      count_of(load_partials(at)),
      bitcast<Channel>(load_partials(at + params.channels)),
      bitcast<Channel>(load_partials(at + 2u * params.channels)),
      bitcast<Channel>(load_partials(at + 3u * params.channels)),
      Channel(),
    ));
  }
  return moments_merge_group(own, walk);
}
