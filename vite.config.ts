import { basename, dirname } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { PAGES } from './demo/site/pages.js';
import { sitePlugin } from './demo/site/plugin.js';
import { sizesPlugin } from './demo/site/sizes.js';
import { findChromium } from './test/chromium.js';

/** `vite build --mode library | cli`, without a mode the pages; `vitest run`, `vitest run --mode soak`. */
export default defineConfig(({ mode }) => {
  if (mode === 'library') return library;
  if (mode === 'cli') return cli;
  if (mode === 'test') return tests();
  if (mode === 'soak') return soak;
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
/** Builds the pages once for all tests that open them. */
const BUILT_SITE = 'test/pages/build.ts';
/** Says which Chromium runs, or why none does, before the tests in it. */
const OPENED_CHROMIUM = 'test/openedChromium.ts';

/**
 * What takes a software adapter minutes: the self-test's whole table, whose cases the kernels' own test has too, and the
 * staged kernels that the benchmark alone uses, and checks before it times them.
 */
const NOT_ON_DAWN = ['verify', 'staged'].map((name) => `test/gpu/${name}.test.ts`);
/** Chromium is Dawn too: what holds kernels to numbers runs once. */
const NOT_IN_CHROMIUM = ['verify', 'spoiled', 'kernels', 'staged', 'windows', 'phases', 'halves', 'identities', 'property'].map((name) => `test/gpu/${name}.test.ts`);

/** Two files at a time: a software adapter compiles on one core and computes on all. */
const PAIRWISE = { maxWorkers: 2, sequence: { groupOrder: 0 } };

/**
 * Pure code in Node; the GPU tests in Node on Dawn or in Chromium, those of the host layer in both; the pages in
 * Chromium. With EVERY_ENGINE set each GPU test runs in both.
 */
function tests() {
  const unless = (files: string[]) => (process.env.EVERY_ENGINE ? [] : files);
  return {
    test: {
      projects: [
        { test: { name: 'node', include: ['test/**/*.test.ts'], exclude: [GPU_TESTS, PAGE_TESTS, SOAK_TESTS], testTimeout: 120_000, ...PAIRWISE } },
        { test: { name: 'dawn', include: [GPU_TESTS], exclude: unless(NOT_ON_DAWN), setupFiles: ['test/gpu/dawn.ts'], testTimeout: 480_000, isolate: false, ...PAIRWISE } },
        {
          test: {
            name: 'chromium',
            include: [GPU_TESTS],
            exclude: unless(NOT_IN_CHROMIUM),
            globalSetup: OPENED_CHROMIUM,
            testTimeout: 480_000,
            fileParallelism: false,
            sequence: { groupOrder: 1 },
            browser: {
              enabled: true,
              headless: true,
              screenshotFailures: false,
              provider: playwright({ launchOptions: findChromium() }),
              instances: [{ browser: 'chromium' as const }],
            },
          },
        },
        { test: { name: 'pages', include: [PAGE_TESTS], globalSetup: [OPENED_CHROMIUM, BUILT_SITE], testTimeout: 480_000, hookTimeout: 120_000, ...PAIRWISE } },
      ],
    },
  };
}

/** What takes many minutes: whole experiments and memory over many steps, one file at a time. */
const soak = { test: { include: [SOAK_TESTS], globalSetup: [OPENED_CHROMIUM, BUILT_SITE], testTimeout: 2_400_000, hookTimeout: 120_000, fileParallelism: false } };
