// dgamma = Σ dz · x_hat and dbeta = Σ dz of some rows, and the sums they come from.
struct GradientSums {
  dz: Sum,             // Σ dz
  dz_centered: Sum,    // Σ dz · (x − mean)
}

struct Gradients {
  dgamma: Channel,
  dbeta: Channel,
}

fn gradients_of(own: GradientSums, statistics: Statistics) -> Gradients {
  return Gradients((own.dz_centered.high + own.dz_centered.low) * statistics.inv_std, own.dz.high + own.dz.low);
}
