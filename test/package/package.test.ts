// Claim: what is published can be imported and type-checked by a stranger, with and without @webgpu/types.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const consumer = `${root}test/artifacts/consumer/`;
const installed = `${consumer}node_modules/webgpu-batchnorm/`;
const node = (script: string, args: string[], cwd = root) =>
  execFileSync(process.execPath, [`${root}node_modules/${script}`, ...args], { cwd, encoding: 'utf8', stdio: 'pipe' });

/** Builds the library into a folder laid out as npm would install it. */
beforeAll(() => {
  rmSync(consumer, { recursive: true, force: true });
  mkdirSync(installed, { recursive: true });
  node('vite/bin/vite.js', ['build', '--mode', 'library', '--outDir', `${installed}dist/library`, '--logLevel', 'warn']);
  node('typescript/bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', `${installed}dist/types`]);
  cpSync(`${root}package.json`, `${installed}package.json`);
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) cpSync(`${root}${file}`, `${installed}${file}`);
  writeFileSync(`${consumer}package.json`, '{ "type": "module" }');
  writeFileSync(`${consumer}use.ts`, USE);
});

const USE = `
import { BatchNorm, type Tensor, createBatchNorm, openBackend, presets } from 'webgpu-batchnorm';
import { forward } from 'webgpu-batchnorm/reference';
import { verify, type Report } from 'webgpu-batchnorm/verify';
import { readTable } from 'webgpu-batchnorm/data';

export async function use(device: GPUDevice, pass: GPUComputePassEncoder, x: GPUBuffer, y: GPUBuffer): Promise<Report> {
  const bn = await createBatchNorm(device, { channels: 4, gamma: false, beta: false, modes: ['train'] });
  bn.forward(pass, { x, y: { buffer: y, offset: 256 }, saved: bn.createSaved() }, { rows: 8 });
  const backend = await openBackend({ device });
  const layer = await BatchNorm.create(backend, { channels: 4, ...presets.keras });
  const out: Tensor = layer.forward(backend.tensor(new Float32Array(8), [2, 4]));
  const values: Float32Array = await out.read();
  const table = await readTable(new Uint8Array(), { file: 'a.csv' });
  forward({ x: values }, { rows: table.rows, channels: table.channels }, 1e-5);
  return verify(backend);
}
`;

function typeCheck(compilerOptions: object): void {
  const options = { strict: true, noEmit: true, target: 'ES2022', skipLibCheck: false, ...compilerOptions };
  writeFileSync(`${consumer}tsconfig.json`, JSON.stringify({ compilerOptions: options, files: ['use.ts'] }));
  try {
    node('typescript/bin/tsc', ['-p', consumer], consumer);
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout);
  }
}

describe('types', () => {
  it.each(['bundler', 'nodenext'])('without @webgpu/types, resolution %s', (moduleResolution) => {
    typeCheck({ module: moduleResolution === 'bundler' ? 'ESNext' : 'NodeNext', moduleResolution, lib: ['ES2023', 'DOM'], types: [] });
  });

  it('with @webgpu/types, whose clash with lib.dom needs skipLibCheck', () => {
    const types = `${consumer}node_modules/@webgpu/types`;
    cpSync(`${root}node_modules/@webgpu/types`, types, { recursive: true });
    typeCheck({ module: 'ESNext', moduleResolution: 'bundler', lib: ['ES2023', 'DOM'], types: ['@webgpu/types'], skipLibCheck: true });
    typeCheck({ module: 'ESNext', moduleResolution: 'bundler', lib: ['ES2023'], types: ['@webgpu/types'], skipLibCheck: true });
    rmSync(types, { recursive: true });
  });

  it('control: a wrong call does not compile', () => {
    writeFileSync(`${consumer}use.ts`, USE.replace("modes: ['train']", "modes: ['training']"));
    expect(() => typeCheck({ module: 'ESNext', moduleResolution: 'bundler', lib: ['ES2023', 'DOM'], types: [] })).toThrow('"training"');
    writeFileSync(`${consumer}use.ts`, USE);
  });
});

describe('package', () => {
  it('every export is there and imports in plain Node, with nothing done at import', () => {
    const { exports } = JSON.parse(readFileSync(`${installed}package.json`, 'utf8')) as { exports: Record<string, { default: string } | string> };
    const subpaths = Object.keys(exports).filter((path) => path !== './package.json').map((path) => `webgpu-batchnorm${path.slice(1)}`);
    expect(subpaths).toHaveLength(4);
    const script =
      `const before = Object.keys(globalThis).length; for (const path of ${JSON.stringify(subpaths)}) console.log(path, Object.keys(await ` +
        `import(path)).join(' ')); if (Object.keys(globalThis).length !== before) throw new Error('globals changed');`;
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: consumer, encoding: 'utf8' });
    expect(printed).toMatch(
      /^webgpu-batchnorm BatchNorm RUNNING_STAYED RUNNING_VARIANCE_STAYED createBatchNorm foldFrom foldInto fromNames listBatchNorms openBackend packHalf presets readSafetensors readSafetensorsMetadata savedBytes savedViews storageBytes toNames toScaleShift tune unpackHalf writeSafetensors\n/,
    );
    expect(printed).toContain('webgpu-batchnorm/reference backward backwardFrozen backwardStaged emptyMoments forward gradientCheck gradientInput ' +
      'gradientSums infer merge moments normalize populationStatistics statistics updateRunning');
  });

  it('publint finds nothing', () => {
    const printed = node('publint/src/cli.js', ['run', installed, '--strict']);
    expect(printed).toContain('All good!');
  });

  it('has no dependency at run time, and its WGSL is inside', () => {
    const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as Record<string, unknown>;
    expect(manifest.dependencies).toBeUndefined();
    expect(manifest.sideEffects).toBe(false);
    const built =
      readdirSync(`${installed}dist/library`).filter((file) => file.endsWith('.js')).map((file) => readFileSync(`${installed}dist/library/${file}`, 'utf8'));
    expect(built.some((text) => text.includes('fn moments_merge('))).toBe(true);
    for (const text of built) {
      expect([...text.matchAll(/^(?:import|export)\b.*? from ["']([^"']+)/gm)].filter(([, from]) => !from.startsWith('./'))).toEqual([]);
    }
  });
});
