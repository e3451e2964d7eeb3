// dbeta = Σ dy, dgamma = Σ dy · x_hat.
struct Gradients {
  dgamma: Channel,
  dbeta: Channel,
}

fn gradient_finish(channel: u32, own: GradientSums, statistics: Statistics) -> Gradients {
  let dgamma = (own.dy_centered.high + own.dy_centered.low) * statistics.inv_std;
  let dbeta = own.dy.high + own.dy.low;
  store_dgamma(channel, dgamma);
  store_dbeta(channel, dbeta);
  return Gradients(dgamma, dbeta);
}
