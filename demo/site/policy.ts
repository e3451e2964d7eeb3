/**
 * What the built pages may load and run: files of the site, nothing inline, nothing evaluated. They send nothing to
 * anywhere and submit no form. A worker is held to the policy of its own response, not to this one: a host that sends
 * a policy in a header has to allow 'wasm-unsafe-eval' there, which jax-js needs on the CPU.
 */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
