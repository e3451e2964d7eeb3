// What dx needs of a channel, as gradient_finish packed it.
fn terms_at(channel: Index) -> Terms {
  return Terms(
    Statistics(load_coefficients(channel), load_coefficients(params.channels + channel), Channel()),
    Activation(
      Value(load_coefficients(2u * params.channels + channel)),
      Value(load_coefficients(3u * params.channels + channel)),
    ),
    Value(load_coefficients(4u * params.channels + channel)),
    Value(load_coefficients(5u * params.channels + channel)),
  );
}
