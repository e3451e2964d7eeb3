// A channel's gradients; where asked they are added to what dgamma and dbeta hold.
fn finalize_gradient(channel: u32, gradients: Gradients) {
  let adds = params.accumulate != 0u;
  store_dgamma(channel, gradients.dgamma + select(Channel(), load_dgamma(channel), adds));
  store_dbeta(channel, gradients.dbeta + select(Channel(), load_dbeta(channel), adds));
}
