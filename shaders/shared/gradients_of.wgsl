// dgamma = Σ dz · x_hat, dbeta = Σ dz, of the sums of some rows.
fn gradients_of(own: GradientSums, statistics: Statistics) -> Gradients {
  return Gradients((own.dy_centered.high + own.dy_centered.low) * statistics.inv_std, own.dy.high + own.dy.low);
}
