// Finishes a channel's moments: saved statistics and the running update.
//
//     variance = m2 / rows                          inv_std = 1 / √(variance + eps)
//     running  = (1 − momentum) · running + momentum · batch
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 1, lines 1–2.
// Numerics  the running variance is the biased one times running_variance_factor, from the host.
fn moments_finish(channel: u32, own: Moments) -> Statistics {
  let variance = (own.m2 + own.m2_low) * params.inv_rows;
  let inv_std = inv_std_of(variance);
  store_saved(channel, own.mean);
  store_saved(params.channels + channel, own.mean_low);
  store_saved(2u * params.channels + channel, variance);
  store_saved(3u * params.channels + channel, inv_std);
  store_running_mean(channel, params.keep * load_running_mean(channel) + params.momentum * (own.mean + own.mean_low));
  store_running_var(channel, params.keep * load_running_var(channel)
    + params.momentum * (variance * params.running_variance_factor));
  return Statistics(own.mean, own.mean_low, inv_std);
}
