// Claim: the built benchmark runs by plain `node`, and in a headless Chromium when told to, from the same definition;
// it counts plans without a GPU, and refuses what it does not know or cannot load.
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const folder = new URL('../artifacts/bench/', import.meta.url).pathname;
const root = new URL('../../', import.meta.url).pathname;
const elsewhere = mkdtempSync(join(tmpdir(), 'webgpu-batchnorm-elsewhere-')); // no repository above it
/** What ends a command that hangs. */
const HUNG = { timeout: 300_000, killSignal: 'SIGKILL' } as const;

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  execFileSync(process.execPath,
    ['node_modules/vite/bin/vite.js', 'build', '--mode', 'cli', '--outDir', `${folder}built`, '--emptyOutDir', '--logLevel', 'warn'], { cwd: root });
  cpSync(`${folder}built`, `${elsewhere}/built`, { recursive: true });
  writeFileSync(`${elsewhere}/package.json`, '{ "type": "module" }');
});

afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

function bench(
  args: string[], { at = folder, env = {} }: { at?: string; env?: Record<string, string> } = {},
): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(at, 'built/bench.js'), ...args], { cwd: at, env: { ...process.env, ...env }, maxBuffer: 2 ** 26, ...HUNG },
      (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

interface Printed {
  facts: Record<string, string>;
  samples: number;
  shapes: { shape: string; timings: { name: string; wall: number; dispatches: number | null }[]; refused?: object[] }[];
}

describe('bench', () => {
  it('control: one shape, as a table, JSON and Markdown', { tags: ['long'] }, async () => {
    const table = await bench(['--shapes', '[256, 64]', '--samples', '1', '--markdown', 'out.md']);
    expect(table.stderr).not.toContain('bench:');
    expect(table.status).toBe(0);
    expect(table.stdout).toMatch(/forward +\d/);
    expect(readFileSync(`${folder}out.md`, 'utf8')).toContain('## [256, 64]');
    const { stdout } = await bench(['--shapes', '[100, 3]', '--samples', '1', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ samples: 1, shapes: [{ shape: '[100, 3]', elements: 300 }] });
  });

  it('the way to the first y and dx: each library right, in a browser of its own, with its processor time', async () => {
    const { status, stdout, stderr } = await bench(['--first', '--shapes', '[256, 64]', '--samples', '1', '--json'], { env: { WEBGPU_ADAPTER: 'software' } });
    expect([status, stderr.includes('bench:')]).toEqual([0, false]);
    const { facts, rows } =
      JSON.parse(stdout) as { facts: Record<string, string>; rows: { name: string; toY: number; toDx: number; processorSeconds: number }[] };
    expect(facts.engine).toMatch(/^Chromium \d/);
    expect(rows.map(({ name }) => name)).toEqual(['this library', 'jax-js: two passes, jit and vjp', 'a device alone']);
    const [ours, jax, alone] = rows;
    for (const { toY, toDx } of rows) expect(0 < toY && toY < toDx).toBe(true);
    for (const { processorSeconds } of [ours, jax]) expect(processorSeconds).toBeGreaterThan(alone!.processorSeconds); // which compiles nothing
  });

  it('counts what plans cost without an adapter, and says why no call is counted', async () => {
    const none = { VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' };
    const { status, stdout } = await bench(['--count', '--shapes', '1000000'], { env: none });
    expect(status).toBe(0);
    expect(stdout).toMatch(/\[1000000, 8\] +hardware +split +\d+, \d+ /);
    expect(stdout).toMatch(/\[1000000, 8\] +software +split /);
    expect(stdout).toContain('Calls are counted on an adapter, and there is none. The Vulkan driver that was set (/nowhere.json) gives no adapter.');
    const counts = JSON.parse((await bench(['--count', '--shapes', '[256, 64]', '--plan', 'split', '--json'], { env: none })).stdout) as object;
    expect(counts).toMatchObject({ plans: ['hardware', 'software'].map((adapterClass) => ({ adapterClass, plan: 'split' })), adapterClass: null, calls: [] });
  });

  it('counts what calls do on an adapter', async () => {
    const { status, stdout } = await bench(['--count', '--shapes', '1000000']);
    expect(status).toBe(0);
    // dispatches, then a first call's objects, writes and submits, then a steady one's
    expect(stdout).toMatch(/\[1000000, 8\] +3 \/ 3 \/ 1 \/ 3 +\d+ \/ \d+ \/ 2 \/ \d+ +1 \/ 1 \/ 1 \/ 1(?: +0 \/ 0 \/ 0 \/ 0){4}\n/);
    const counts = JSON.parse((await bench(['--count', '--shapes', '[256, 64]', '--plan', 'split', '--json'])).stdout) as { calls: object[] };
    expect(counts.calls).toMatchObject([
      { calls: { forward: { first: { dispatches: 3, submits: 0 }, steady: { dispatches: 3, objects: 0, writes: 0, submits: 0 } } } },
    ]);
  });

  it.each<[string[], string]>([
    [['--plan', 'best'], 'bench: "--plan" is best, needs single or split.'],
    [['--samples', '0'], 'bench: "--samples" is 0, needs an integer from 1 to 9999.'],
    [['--shapes', '[7, 7]'], 'bench: "--shapes" is [7, 7], needs a part of one of [256, 64], [256, 1024]'],
    [['--peers'], 'bench: "--peers" is given without --browser, needs one to load them in. Add --browser.'],
    [['--browser', '--large'], 'bench: "--large" is given with --browser, needs more memory than a tab has. Leave one out.'],
    [['--first', '--plan', 'single'], 'bench: "--first" is given with --plan, needs none: it starts browsers of its own. Leave one out.'],
    [['--first', '--count'], 'bench: "--first" is given with --count, needs none: it starts browsers of its own. Leave one out.'],
    [['--browser', '--count'], 'bench: "--count" is given with --browser, needs none: it times nothing. Leave one out.'],
    [['--quick'], "Unknown option '--quick'"],
  ])('%j: status 2 and one sentence', async (args, message) => {
    const { status, stderr } = await bench(args);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });

  it('carries no other library inside, and loads none to run in Node', () => {
    const built = readdirSync(`${folder}built`, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js')).map(
      (file) => readFileSync(`${folder}built/${file}`, 'utf8'),
    );
    for (const text of built) {
      expect(text).not.toMatch(/tfjs-core|jax-js\/jax/);
      for (const [, from] of text.matchAll(/^import\b.*? from ["']([^"']+)/gm)) expect(from).toMatch(/^(\.|node:)/);
    }
  });
});

describe('bench --browser', () => {
  it('the same rows and facts as in Node, from Chromium; peers beside them', { tags: ['long'] }, async () => {
    const shape = ['--shapes', '[100, 3]', '--samples', '1', '--json'];
    const [node, browser] = [await bench(shape), await bench([...shape, '--browser', '--peers', '--markdown', 'browser.md'])];
    expect(browser.stderr).toBe('');
    expect(browser.status).toBe(0);
    const [here, there] = [JSON.parse(node.stdout) as Printed, JSON.parse(browser.stdout) as Printed];
    expect(there.facts).toEqual({ engine: expect.stringMatching(/^Chromium \d+\./), adapter: expect.stringMatching(/\S/), machine: here.facts.machine,
      date: expect.stringMatching(/^\d{4}-/) });
    expect(there.samples).toBe(1);
    const [own, timed] = [here.shapes[0].timings, there.shapes[0].timings];
    expect(timed.slice(0, own.length).map(({ name, dispatches }) => [name, dispatches])).toEqual(own.map(({ name, dispatches }) => [name, dispatches]));
    for (const { name, wall } of timed) expect(wall, name).toBeGreaterThan(0);
    for (const peer of ['jax-js webgpu', 'jax-js wasm', 'tfjs webgpu', 'tfjs cpu']) {
      expect(timed.map(({ name }) => name).join('\n')).toContain(`${peer}: forward`);
    }
    expect(there.shapes[0].refused).toEqual([]);
    expect(readFileSync(`${folder}browser.md`, 'utf8')).toContain('| dispatches | × fastest peer |');
  });

  it('as a table, its plan forced, without peers', { tags: ['long'] }, async () => {
    const TMPDIR = `${elsewhere}/temporary`;
    mkdirSync(TMPDIR);
    const { status, stdout, stderr } = await bench(['--browser', '--shapes', '[256, 64]', '--samples', '1', '--plan', 'split'], { env: { TMPDIR } });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^engine: Chromium \d+.*\nadapter: .*\nmachine: .*\ndate: .*\n\n\[256, 64\] /);
    expect(stdout).toMatch(/\nforward +\d.* 3\n/);
    expect(stdout).not.toMatch(/peer|jax-js|tfjs/);
    expect(readdirSync(TMPDIR).filter((name) => name.startsWith('webgpu-batchnorm'))).toEqual([]);
  });

  it('says what is missing: a Chromium, playwright, vite, the repository', async () => {
    const without = async (env: Record<string, string> = {}, at = elsewhere) => {
      const { status, stdout, stderr } = await bench(['--browser', '--shapes', '[100, 3]'], { at, env });
      expect(status).toBe(2);
      expect(stdout).toBe('');
      return stderr.trim();
    };
    const install = (name: string, text: string) => {
      mkdirSync(`${elsewhere}/node_modules/${name}`, { recursive: true });
      writeFileSync(`${elsewhere}/node_modules/${name}/package.json`, '{ "type": "module", "main": "index.js" }');
      writeFileSync(`${elsewhere}/node_modules/${name}/index.js`, text);
    };
    expect(await without({ CHROMIUM_PATH: '/nowhere/chromium' }, folder)).toBe(
      'CHROMIUM_PATH is "/nowhere/chromium", which does not exist, needs a Chromium. Correct or unset it.',
    );
    expect(await without({ CHROMIUM_PATH: '/bin/false' }, folder)).toMatch(
      /^bench: \/bin\/false did not start \([^\n]+\), needs to be a Chromium\. Set CHROMIUM_PATH to one\.$/,
    );
    expect(await without({ WEBGPU_ADAPTER: 'best' }, folder)).toBe('WEBGPU_ADAPTER is "best", needs "software" or "hardware".');
    expect(await without()).toBe(
      'bench: "--browser" is given and the package playwright did not load (ERR_MODULE_NOT_FOUND), needs it to open a browser. Run npm ci in the repository.',
    );
    install('playwright', "export const chromium = { executablePath: () => '/nowhere/chromium' };");
    expect(await without()).toBe(
      'bench: "--browser" is given and the package vite did not load (ERR_MODULE_NOT_FOUND), needs it to build the page. Run npm ci in the repository.',
    );
    install('vite', '');
    expect(await without({ CHROMIUM_PATH: process.execPath })).toMatch(
      /^bench: "--browser" is given outside the repository \(.*\), needs its demo\/benchmark\/command\.html\. Run it there\.$/,
    );
  });
});
