export interface PageOfSite {
  /** The page's HTML file, from the root of the site. */
  path: string;
  title: string;
  /** One line: the page's description, and its line on the landing page. */
  description: string;
  /** What the navigation calls it. */
  label: string;
}

/** Every page of the site, in the order of the navigation. */
export const PAGES: readonly PageOfSite[] = [
  {
    path: 'index.html',
    title: 'webgpu-batchnorm',
    description: 'Batch normalization, forward and backward, as WebGPU compute kernels for the browser.',
    label: 'webgpu-batchnorm',
  },
  {
    path: 'demo/training/index.html',
    title: 'Training – webgpu-batchnorm',
    description: 'A net trains live, with batch normalization and without it.',
    label: 'Training',
  },
  {
    path: 'demo/graph/index.html',
    title: 'Graph – webgpu-batchnorm',
    description: 'Nine steps forward and nine back, one node at a time.',
    label: 'Graph',
  },
  {
    path: 'demo/correctness/index.html',
    title: 'Correctness – webgpu-batchnorm',
    description: 'Every ability on your adapter, held to an f64 reference.',
    label: 'Correctness',
  },
  {
    path: 'demo/benchmark/index.html',
    title: 'Benchmark – webgpu-batchnorm',
    description: 'Times on your adapter, beside other libraries.',
    label: 'Benchmark',
  },
  {
    path: 'demo/workers/index.html',
    title: 'Workers – webgpu-batchnorm',
    description: 'Two web workers share the statistics of one batch.',
    label: 'Workers',
  },
];
