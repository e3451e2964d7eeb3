// What dx needs of a channel, once its gradients are known.
fn terms_of(statistics: Statistics, activation: Activation, gradients: Gradients, inv_rows: f32) -> Terms {
  return Terms(
    statistics, activation, Value(gradients.dbeta * inv_rows), Value(gradients.dgamma * inv_rows * statistics.inv_std),
  );
}
