// Claim: the uniform block's bytes are what the WGSL struct reads, field by field, and its kernels read every field.
// Control: a block whose every value tells its place.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PARAMS, PARAMS_BYTES, type Params, paramsWgsl, writeParams } from '../../src/plan/params.js';
import { SOURCES } from '../../src/shader/sources.js';

describe('params', () => {
  it('control: the bytes are what the struct reads', () => {
    const params = Object.fromEntries(PARAMS.map(([name, type], i) => [name, type === 'u32' ? i + 1 : i + 0.5])) as Params;
    const bytes = new ArrayBuffer(PARAMS_BYTES);
    writeParams(new DataView(bytes), params);
    const fields = [...paramsWgsl().matchAll(/^ {2}(\w+): (u32|f32),$/gm)];
    expect(fields.map(([, name]) => name)).toEqual(PARAMS.map(([name]) => name));
    fields.forEach(([, , type], i) => {
      expect(type === 'u32' ? new Uint32Array(bytes)[i] : new Float32Array(bytes)[i]).toBe(type === 'u32' ? i + 1 : i + 0.5);
    });
    expect(PARAMS_BYTES % 16).toBe(0);
    expect(PARAMS_BYTES - 4 * PARAMS.length).toBeLessThan(16);
  });

  it('a base below 0 and the word that no word is keep their bits', () => {
    const view = new DataView(new ArrayBuffer(PARAMS_BYTES));
    const params = Object.fromEntries(PARAMS.map(([name]) => [name, 0])) as Params;
    writeParams(view, { ...params, base: -5 >>> 0, flat_odd: 0xffffffff });
    const at = (name: string) => view.getUint32(4 * PARAMS.findIndex(([field]) => field === name), true);
    expect([at('base'), at('flat_odd'), at('inner_size')]).toEqual([2 ** 32 - 5, 0xffffffff, 0]);
  });

  it('every field is read somewhere, and no other', () => {
    const folder = new URL('../../', import.meta.url);
    const shaders = SOURCES.map(({ file }) => `shaders/${file}`);
    const texts = [...shaders, 'src/shader/declarations.ts'].map((file) => readFileSync(new URL(file, folder), 'utf8').replace(/\/\/.*/g, ''));
    const read = new Set(texts.flatMap((text) => [...text.matchAll(/\bparams\.(?!js\b)(\w+)/g)].map(([, name]) => name)));
    expect([...read].sort()).toEqual(PARAMS.map(([name]) => name as string).sort());
  });
});
