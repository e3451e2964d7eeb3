// Finalizes a channel's moments: saved statistics and the running update.
//
//     variance = m2 / count                         inv_std = 1 / √(variance + eps)
//     running  = (1 − momentum) · running + momentum · batch
//
// Source    Ioffe & Szegedy 2015 (arXiv:1502.03167), Algorithm 1, lines 1–2.
// Numerics  the running variance is the biased one, or m2 / (count − 1); with cumulative averaging momentum is
//           1 / (batches so far), counted in u32: f32 would stop at 2²⁴. No row moves nothing; one row has no
//           unbiased variance, and flags say so.
//           A variance that is not finite is NaN, and so then are inv_std and y, and a running statistic that would not be
//           finite: +∞ would be taken for an inv_std of 0, and give beta.
const RUNNING_VARIANCE_STAYED = 1u;
const RUNNING_STAYED = 2u;

fn finalize_moments(channel: u32, own: Moments) -> Statistics {
  let m2 = own.m2 + own.m2_low;
  let variance = nan_unless_finite(m2 * reciprocal(own.count));
  let inv_std = inv_std_of(variance);
  let none = own.count == 0u;
  let stays = none || (params.unbiased != 0u && own.count == 1u);
  store_saved(channel, bitcast<Word>(own.mean));
  store_saved(params.channels + channel, bitcast<Word>(own.mean_low));
  store_saved(2u * params.channels + channel, bitcast<Word>(variance));
  store_saved(3u * params.channels + channel, bitcast<Word>(inv_std));
  store_saved(4u * params.channels + channel, Word(own.count));
  store_saved(5u * params.channels + channel,
    Word(select(0u, RUNNING_VARIANCE_STAYED, stays) + select(0u, RUNNING_STAYED, none)));

  let seen = load_batches(channel);
  let batches = max(seen, seen + Word(1u)); // stays at the largest u32
  var momentum = Channel(params.momentum);
  var keep = Channel(params.keep);
  if (params.cumulative != 0u) {
    momentum = 1.0 / Channel(batches);
    keep = Channel(seen) / Channel(batches);
  }
  let running_mean = load_running_mean(channel);
  let running_var = load_running_var(channel);
  let rest = select(own.count, own.count - 1u, params.unbiased != 0u);
  store_running_mean(channel, select(nan_unless_finite(keep * running_mean + momentum * (own.mean + own.mean_low)), running_mean, none));
  store_running_var(channel, select(nan_unless_finite(keep * running_var + momentum * (m2 * reciprocal(rest))), running_var, stays));
  store_batches(channel, select(batches, seen, none));
  return Statistics(own.mean, own.mean_low, inv_std);
}
