/** What is meant by names that other libraries have, or that come to mind, for what is called otherwise here. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  eps: ['epsilon', 'varianceepsilon'],
  channels: ['numfeatures', 'numchannels', 'features', 'c', 'size', 'dim'],
  layout: ['axis', 'dataformat', 'format', 'dataorder', 'channelaxis'],
  gamma: ['affine', 'scale', 'weight', 'usescale'],
  beta: ['affine', 'center', 'bias', 'shift', 'usebias', 'offset'],
  trackRunning: ['trackrunningstats', 'trackstats', 'tracking'],
  storage: ['dtype', 'datatype', 'precision', 'paramdtype'],
  momentum: ['decay', 'momentumdecay', 'exponentialaveragefactor'],
  runningVariance: ['unbiased', 'besselcorrection'],
  activation: ['epilogue', 'fuse', 'relu', 'fused', 'act', 'nonlinearity', 'activationfunction'],
  residual: ['add', 'skip', 'shortcut'],
  synchronized: ['sync', 'synchronize', 'syncbn', 'distributed', 'axisname'],
  runningMean: ['movingmean', 'mean', 'inputmean'],
  runningVar: ['movingvariance', 'movingvar', 'runningvariance', 'variance', 'var', 'inputvar'],
  out: ['output', 'y', 'dx'],
  pass: ['encoder', 'computepass'],
  mask: ['rowmask', 'padding'],
  validRows: ['rows', 'count', 'length'],
  accumulate: ['add', 'acc'],
  track: ['trackrunning', 'updaterunning', 'updatestats'],
};

/** What is meant by values. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  channelsLast: ['nc', 'nlc', 'nwc', 'nhwc', 'ndhwc', 'last', '-1'],
  channelsFirst: ['ncl', 'ncw', 'nchw', 'ncdhw', 'first', '1'],
  f32: ['float32', 'float', 'fp32', 'single'],
  f16: ['float16', 'half', 'fp16'],
  bf16: ['bfloat16'],
  leakyRelu: ['lrelu'],
  silu: ['swish', 'sil'],
  hardSwish: ['hswish', 'hardsilu'],
  gelu: ['gelutanh', 'gelunew', 'geluapproximate'],
  cumulative: ['null', 'none', 'cma', 'average', 'mean'],
  pytorch: ['torch', 'pt'],
  keras: ['tensorflow', 'tf', 'tfjs'],
  flax: ['jax', 'linen', 'nnx'],
};

const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9-]|-(?!1$)/g, '');

/** Those of `known` that another spelling, or else another name, stands for. */
function meantIn(table: typeof OPTIONS, given: unknown, known: readonly string[]): string[] {
  if (typeof given === 'object' && given !== null) return [];
  const text = plain(String(given));
  const spelt = known.filter((name) => plain(name) === text);
  return spelt.length > 0 ? spelt : known.filter((name) => table[name]?.includes(text));
}

/** The options that are meant by one nobody reads, in quotes; empty where none is. */
export function optionMeant(given: string, known: readonly string[]): string {
  return meantIn(OPTIONS, given, known).map((name) => `"${name}"`).join(' and ');
}

/** The advice to take the value that is meant, ready to stand behind an error; empty where none is. */
export function valueMeant(given: unknown, known: readonly string[]): string {
  const [meant] = meantIn(VALUES, given, known);
  return meant ? ` Use '${meant}'.` : '';
}
