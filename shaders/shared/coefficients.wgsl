// What dx needs of a channel, packed in planes so that gradient_input binds one buffer for all of it:
// mean, mean_low, inv_std, gamma · inv_std, dbeta / rows, dgamma / rows.
fn store_coefficients_of(channel: u32, statistics: Statistics, dbeta: Value, dgamma: Value) {
  store_coefficients(channel, statistics.mean);
  store_coefficients(params.channels + channel, statistics.mean_low);
  store_coefficients(2u * params.channels + channel, statistics.inv_std);
  store_coefficients(3u * params.channels + channel, load_gamma(channel) * statistics.inv_std);
  store_coefficients(4u * params.channels + channel, dbeta * params.inv_rows);
  store_coefficients(5u * params.channels + channel, dgamma * params.inv_rows);
}
