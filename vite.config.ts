import { basename, dirname } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { PAGES } from './demo/site/pages.js';
import { sitePlugin } from './demo/site/plugin.js';
import { sizesPlugin } from './demo/site/sizes.js';
import { findChromium } from './test/chromium.js';

/** `vite build --mode library | cli`, without a mode the pages; `vitest run --mode quick | test | engines | long | soak`. */
export default defineConfig(({ mode }) => {
  if (mode === 'library') return library;
  if (mode === 'cli') return cli;
  if (mode in RUNS) return tests(mode as keyof typeof RUNS);
  return site;
});

/** demo/graph/index.html → graph */
const nameOf = (path: string) => (path === 'index.html' ? 'index' : basename(dirname(path)));

const site = {
  base: './',
  plugins: [sitePlugin(import.meta.dirname), sizesPlugin()],
  worker: { format: 'es' as const }, // so that a worker loads other libraries only when they run
  build: {
    outDir: 'dist/site',
    target: 'es2022',
    rolldownOptions: { input: Object.fromEntries(PAGES.map(({ path }) => [nameOf(path), path])) },
  },
};

const library = {
  build: {
    outDir: 'dist/library',
    target: 'es2022',
    minify: false,
    sourcemap: true,
    lib: {
      formats: ['es' as const],
      entry: {
        index: 'src/index.ts',
        reference: 'src/reference/index.ts',
        verify: 'src/verify/index.ts',
        data: 'src/data/index.ts',
      },
    },
  },
};

/** Self-contained commands, with what they share beside them; only Dawn, a native module, stays outside. */
const cli = {
  build: {
    outDir: 'dist/cli',
    target: 'node20',
    ssr: true,
    minify: false,
    rolldownOptions: { input: { verify: 'src/cli/verify.ts', bench: 'src/cli/bench.ts' }, external: ['webgpu'] },
  },
  ssr: { noExternal: true as const },
};

const GPU_TESTS = 'test/gpu/**/*.test.ts';
const PAGE_TESTS = 'test/pages/**/*.test.ts';
const SOAK_TESTS = 'test/soak/**/*.test.ts';
/** Node tests that are no pure code: they build, start processes, or load other libraries. */
const BUILDING_TESTS = ['test/cli/**/*.test.ts', 'test/package/**/*.test.ts', 'test/benchmark/peers.test.ts'];
/** Pure code that walks every text, every thread, every value: seconds each, and so not in the quick loop. */
const WIDE_TESTS = [
  'shader/kernels', 'kernels/operations', 'kernels/memory', 'kernels/scopes', 'plan/plan', 'plan/planIterations', 'core/storage', 'data/cases', 'data/digits',
  'data/fuzz', 'data/read', 'reference/reference', 'reference/walk', 'layer/safetensors', 'layer/workers', 'verify/verify',
].map((name) => `test/${name}.test.ts`);
/** Builds the pages and opens the browsers, once for all tests that use them. */
const BUILT_SITE = 'test/pages/build.ts';
/** Says which Chromium runs, or why none does, before the tests in it. */
const OPENED_CHROMIUM = 'test/openedChromium.ts';

/**
 * GPU tests that `npm test` leaves to `npm run test:engines`: the self-test's whole table and the staged kernels, which
 * the benchmark alone uses and checks before it times them, take a software adapter minutes.
 */
const NOT_ON_DAWN = ['verify', 'staged'].map((name) => `test/gpu/${name}.test.ts`);
/** Chromium is Dawn too: in `npm test` it runs what holds the host layer to its promises, nothing that holds kernels to numbers. */
const IN_CHROMIUM = ['badInput', 'layer', 'memory', 'steady'].map((name) => `test/gpu/${name}.test.ts`);

/** Ends what hangs, and nothing else: the longest test of all takes five minutes on two quiet cores. */
const PATIENCE = { testTimeout: 1_200_000, hookTimeout: 600_000, expect: { poll: { timeout: 120_000 } } };
/** Two files at a time: a software adapter compiles on one core and computes on all. */
const PAIRWISE = { maxWorkers: 2, sequence: { groupOrder: 0 } };

const pure = { name: 'node', include: ['test/**/*.test.ts'], exclude: [GPU_TESTS, PAGE_TESTS, SOAK_TESTS], ...PATIENCE, isolate: false, ...PAIRWISE };
const quick = { ...pure, exclude: [...pure.exclude, ...BUILDING_TESTS, ...WIDE_TESTS] };
const dawn = { name: 'dawn', include: [GPU_TESTS], setupFiles: ['test/gpu/dawn.ts'], ...PATIENCE, isolate: false, ...PAIRWISE };
const chromium = () => ({
  name: 'chromium',
  include: [GPU_TESTS],
  globalSetup: OPENED_CHROMIUM,
  ...PATIENCE,
  fileParallelism: false,
  sequence: { groupOrder: 1 },
  browser: {
    enabled: true,
    headless: true,
    screenshotFailures: false,
    provider: playwright({ launchOptions: findChromium() }),
    instances: [{ browser: 'chromium' as const }],
  },
});
const pages = { name: 'pages', include: [PAGE_TESTS], globalSetup: [OPENED_CHROMIUM, BUILT_SITE], ...PATIENCE, ...PAIRWISE };
const soaked = { name: 'soak', include: [SOAK_TESTS], ...PATIENCE, fileParallelism: false, sequence: { groupOrder: 2 } };

/** What a test may be beside one of `npm test`. */
const TAGS = [
  { name: 'long', description: 'Runs in npm run test:all (and in CI), not in npm test.' },
  { name: 'soak', description: 'Runs in npm run soak alone.' },
];

/** The runs, by `vitest --mode`; CONTRIBUTING.md says what each is for. */
const RUNS = {
  /** npm run test:quick, npm run test:watch: pure code, no GPU, no build. */
  quick: () => ({ projects: [quick], tagsFilter: ['!long'] }),
  /** npm test */
  test: () => ({
    projects: [pure, { ...dawn, exclude: NOT_ON_DAWN }, { ...chromium(), include: IN_CHROMIUM }, pages], tagsFilter: ['!long'],
  }),
  /** npm run test:engines: every GPU test, whole, on Dawn in Node and in Chromium. */
  engines: () => ({ projects: [dawn, chromium()], tagsFilter: ['!soak'] }),
  /** npm run test:long: the long tests of pure code and pages, and the soak's short half. */
  long: () => ({ projects: [pure, pages, soaked], tagsFilter: ['long'] }),
  /** npm run soak: whole experiments, and memory over many steps. */
  soak: () => ({ projects: [soaked], tagsFilter: ['soak'] }),
} as const;

function tests(run: keyof typeof RUNS) {
  const { projects, tagsFilter } = RUNS[run]();
  // A project that extended this file would read it again, as that of mode test.
  const selected = { tags: TAGS, tagsFilter: [...tagsFilter], env: { TEST_RUN: run } };
  return { test: { ...selected, projects: projects.map((project) => ({ test: { ...project, ...selected } })) } };
}
