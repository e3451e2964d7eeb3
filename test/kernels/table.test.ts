// Claim: the WGSL and the kernel table say the same: every buffer a text uses is in its row, every one in the row
// is used, none binds more than WebGPU's default 8, and headers follow the house order.
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Tile } from '../../src/plan/plan.js';
import {
  KERNELS, type Kernel, type KernelName, type Variant, allVariants, bindingsOf, variantConstants, variantKey, variantText,
} from '../../src/kernels/table.js';

const LIMITS = {
  maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBufferBindingSize: 2 ** 27,
};
const names = Object.keys(KERNELS) as KernelName[];
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const folder = new URL('../../shaders/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.wgsl'));

describe.each(names)('%s', (name) => {
  const kernel: Kernel = KERNELS[name];
  const text = [...kernel.parts.map(([, source]) => source), kernel.source].join('\n');
  const used = new Set([...text.matchAll(/\b(?:load|store)_(\w+)\(/g)].map(([, word]) => word).filter((word) => word !== 'statistics'));

  it('uses exactly the buffers of its row', () => {
    expect([...used].sort()).toEqual(kernel.bindings.map(({ name: buffer }) => snake(buffer)).sort());
  });

  it('reads and writes them as its row says', () => {
    for (const { name: buffer, access } of kernel.bindings) {
      expect(text.includes(`load_${snake(buffer)}(`), `${buffer} is read`).toBe(access !== 'write');
      expect(text.includes(`store_${snake(buffer)}(`), `${buffer} is written`).toBe(access !== 'read');
    }
  });

  it('binds at most 8 storage buffers, reads before writes', () => {
    const access = kernel.bindings.map((binding) => (binding.access === 'read' ? 0 : 1));
    expect(kernel.bindings.length).toBeLessThanOrEqual(8);
    expect(access).toEqual([...access].sort());
  });
});

describe('variants', () => {
  const tile: Tile = { width: 4, across: 'channels', groupSize: 256, grouped: true };

  it('control: a text declares its bindings in the order of the layout', () => {
    const variant: Variant = { kernel: 'normalize', absent: [], tile };
    const declared = [...variantText(variant).code.matchAll(/@binding\((\d+)\) var<(.*?)> (\w+)/g)].map(([, index, space, buffer]) => [Number(index), space, buffer]);
    expect(declared).toEqual([
      [0, 'uniform', 'params'], [1, 'storage, read', 'x'], [2, 'storage, read', 'saved'], [3, 'storage, read', 'gamma'],
      [4, 'storage, read', 'beta'], [5, 'storage, read_write', 'y'],
    ]);
  });

  it('an absent buffer leaves no binding, and its constant in its place', () => {
    const variant: Variant = { kernel: 'normalize', absent: ['gamma'], tile };
    const { code } = variantText(variant);
    expect(bindingsOf(variant).map(({ name }) => name)).toEqual(['x', 'saved', 'beta', 'y']);
    expect(code).toContain('fn load_gamma(i: u32) -> Channel { return Channel(1.0); }');
    expect(code).not.toMatch(/var<[^>]*> gamma/);
    expect([...code.matchAll(/@binding\((\d+)\)/g)].map(([, index]) => Number(index))).toEqual([0, 1, 2, 3, 4]);
  });

  it('a buffer another kernel goes without makes no new text', () => {
    expect(variantKey({ kernel: 'moments_partial', absent: ['runningMean'], tile })).toBe(variantKey({ kernel: 'moments_partial', absent: [], tile }));
  });

  it('every key stands for one text', () => {
    const all = allVariants('hardware', LIMITS);
    const texts = new Map<string, string>();
    for (const variant of all) {
      const text = variantText(variant).code + JSON.stringify(variantConstants(variant));
      expect(texts.get(variantKey(variant)) ?? text).toBe(text);
      texts.set(variantKey(variant), text);
    }
    expect(texts.size).toBe(all.length);
    expect(new Set(all.map(({ kernel }) => kernel))).toEqual(new Set(names));
  });

  it('constants say the group, and whether it merges', () => {
    expect(variantConstants({ kernel: 'forward_single', absent: [], tile: { ...tile, groupSize: 16, grouped: false } })).toEqual({ GROUP_SIZE: 16, GROUPED: 0 });
  });

  it('channels-first a Value of four rows is summed to one channel, channels-last it is four channels', () => {
    const types = (across: Tile['across'], width: Tile['width']) => variantText({ kernel: 'moments_partial', absent: [], tile: { ...tile, across, width } }).code;
    expect(types('channels', 4)).toMatch(/alias Value = vec4f;[^]*alias Channel = vec4f;[^]*const VALUES = 1u;/);
    expect(types('rows', 4)).toMatch(/alias Value = vec4f;[^]*alias Channel = f32;[^]*const VALUES = 4u;/);
    expect(types('rows', 1)).toMatch(/alias Value = f32;[^]*alias Channel = f32;[^]*const VALUES = 1u;/);
  });

  it('a compile error’s line is found again in its file', () => {
    const { code, files: origins } = variantText({ kernel: 'infer', absent: [], tile });
    const lines = code.split('\n');
    for (const { file, firstLine } of origins) {
      if (file === 'declarations') continue;
      const first = readFileSync(new URL(file, folder), 'utf8').split('\n')[0];
      expect(lines[firstLine - 1]).toBe(first);
    }
  });
});

describe('shader files', () => {
  it('control: there are some, and each is a kernel or the probe', () => {
    const known = new Set([...names.map((name) => (KERNELS[name] as Kernel).file), 'probe_order.wgsl']);
    expect(new Set(files)).toEqual(known);
  });

  it.each(files)('%s opens with the house’s header', (file) => {
    const header = readFileSync(new URL(file, folder), 'utf8').split('\n').filter((line) => line.startsWith('//'));
    const labels = header.map((line) => /^\/\/ (Source|Layout|Threads|Traffic|Numerics|Twin) {2,}\S/.exec(line)?.[1]).filter(Boolean);
    expect(labels).toEqual(['Source', 'Layout', 'Threads', 'Traffic', 'Numerics', 'Twin']);
  });

  it.each(files)('%s names twins that exist', (file) => {
    const twins = /^\/\/ Twin +(.*)$/m.exec(readFileSync(new URL(file, folder), 'utf8'))![1].split(', ');
    for (const twin of twins) expect(() => readFileSync(new URL(`../${twin}`, folder))).not.toThrow();
  });
});
