// Claim: the WGSL and the kernel table say the same: every buffer a text uses is declared, bound and reached from main,
// every one that is bound is used as its row says, none binds more than WebGPU's default 8 where a device has no more, and
// headers follow the house order. Control: texts by hand.
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type KernelSettings, resolveOperations, variantsOf } from '../../src/kernels/operations.js';
import { KERNELS, type Kernel, type KernelName, type Variant, bindingsOf, variantKey } from '../../src/shader/kernels.js';
import { originOf } from '../../src/shader/link.js';
import { SOURCES } from '../../src/shader/sources.js';
import { partsInScope, variantText } from '../../src/shader/text.js';
import { allVariants } from '../../src/verify/variants.js';
import { DEFAULTS } from '../../src/core/options.js';
import { resolveActivation } from '../../src/core/activations.js';
import type { Tile } from '../../src/plan/tiles.js';

const LIMITS = {
  maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBufferBindingSize: 2 ** 27, maxStorageBuffersPerShaderStage: 8,
};
const names = Object.keys(KERNELS) as KernelName[];
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const files = SOURCES.map(({ file }) => file);
const kernelFiles = files.filter((file) => file.startsWith('kernels/'));
const textOf = (file: string) => SOURCES.find((source) => source.file === file)!.text;

const [NONE, RELU] = [resolveActivation('', 'none'), resolveActivation('', 'relu')];

/** Not pairs but every combination of what decides a kernel's buffers, of f32 on hardware. */
function everyCombination(buffers: number): Variant[] {
  const variants = new Map<string, Variant>();
  const limits = { ...LIMITS, maxStorageBuffersPerShaderStage: buffers };
  const either = [true, false];
  for (const { layout, channels } of [{ layout: 'channelsLast', channels: 3 }, { layout: 'channelsLast', channels: 4 },
    { layout: 'channelsFirst', channels: 3 }] as const) {
    for (const [activation, residual] of [['none', false], ['relu', false], ['none', true], ['gelu', true]] as const) {
      for (const mask of ['none', 'rows', 'count'] as const) {
        for (const gamma of either) {
          for (const beta of either) {
            const settings: KernelSettings = {
              channels, layout, storage: 'f32', activation: resolveActivation('', activation), residual, mask, inPlace: true, gamma, beta,
              adapterClass: 'hardware', plan: undefined,
              limits: undefined, onError: undefined, ...DEFAULTS, momentum: 'cumulative', // which has the most buffers
            };
            const operations = resolveOperations(settings, ['train', 'infer', 'frozen', 'phases'], buffers);
            for (const variant of operations.flatMap((resolved) => variantsOf(resolved, limits))) variants.set(variantKey(variant), variant);
          }
        }
      }
    }
  }
  return [...variants.values()];
}

const atDefaults = [...allVariants('hardware', LIMITS), ...allVariants('software', LIMITS), ...everyCombination(8)];
const everyVariant = [...new Map([...atDefaults, ...everyCombination(16)].map((variant) => [variantKey(variant), variant])).values()];

/** Every function of a text, by name, and what stands in it. */
function functionsOf(code: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const { 1: name, index } of code.matchAll(/^fn (\w+)/gm)) {
    let depth = 0;
    let end = code.indexOf('{', index);
    do {
      if (code[end] === '{') depth++;
      if (code[end] === '}') depth--;
      end++;
    } while (depth > 0);
    expect(found.has(name), `${name} is there once`).toBe(false);
    found.set(name, code.slice(code.indexOf('{', index), end));
  }
  return found;
}

const calledIn = (text: string) => [...text.matchAll(/\b(\w+)\(/g)].map(([, name]) => name);

/** The functions that main comes to, and all they say. */
function reachedFrom(functions: Map<string, string>): { reached: Set<string>; text: string } {
  const reached = new Set(['main']);
  for (const name of reached) for (const callee of calledIn(functions.get(name)!)) if (functions.has(callee)) reached.add(callee);
  return { reached, text: [...reached].map((name) => functions.get(name)).join('\n') };
}

/** What WGSL itself has, and its keywords that parentheses follow. */
const BUILT_IN = ['exp', 'clamp', 
  'if', 'for', 'return', 'select', 'min', 'max', 'abs', 'round', 'inverseSqrt', 'bitcast', 'unpack2x16float', 'workgroupBarrier', 'f32', 'u32', 'vec2f',
    'vec2u', 'vec4f', 'vec4u',
];

const declared = (code: string) =>
  [...code.matchAll(/@group\(0\) @binding\((\d+)\) var<(.*?)> (\w+)/g)].map(([, index, space, buffer]) => [Number(index), space, buffer]);

describe.each(names)('%s', (name) => {
  const { bindings }: Kernel = KERNELS[name];
  const variants = everyVariant.filter(({ kernel }) => kernel === name);
  const texts = variants.map((variant) => {
    const code = variantText(variant).code.replace(/\/\/.*/g, '');
    const functions = functionsOf(code);
    return { variant, key: variantKey(variant), code, functions, ...reachedFrom(functions) };
  });

  it('control: there are such texts, and all its row’s buffers are bound in one or another', () => {
    expect(variants.length).toBeGreaterThan(0);
    const bound = new Set(variants.flatMap((variant) => bindingsOf(variant).map((binding) => binding.name)));
    // Its own gamma and beta are asked for only where neither has a gradient, so neither is there.
    const never: string[] = name === 'gradient_input' ? ['gamma', 'beta'] : [];
    expect([...bound, ...never].sort()).toEqual(bindings.map((binding) => binding.name).sort());
  });

  it('declares what it binds, in order, and uses exactly that', () => {
    for (const { variant, key, code, text } of texts) {
      const bound = bindingsOf(variant);
      expect(declared(code), key).toEqual([
        [0, 'uniform', 'params'],
        ...bound.map(({ name: buffer, access }, i) => [i + 1, access === 'read' ? 'storage, read' : 'storage, read_write', snake(buffer)]),
      ]);
      const used = bound.filter(({ name: buffer }) => new RegExp(`\\b${snake(buffer)}\\[`).test(text));
      expect(used, key).toEqual(bound);
      expect(text, key).toMatch(/\bparams\./);
    }
  });

  it('declares every load and store, and whatever else it calls', () => {
    for (const { key, code, functions } of texts) {
      const types = [...code.matchAll(/^(?:struct|alias) (\w+)/gm)].map(([, type]) => type);
      const known = new Set([...functions.keys(), ...types, ...BUILT_IN]);
      const called = [...functions.values()].flatMap(calledIn);
      expect([...new Set(called.filter((callee) => !known.has(callee)))], key).toEqual([]);
      expect(called.some((callee) => /^(load|store)_/.test(callee)), key).toBe(true);
    }
  });

  it('reads and writes its buffers as its row says', () => {
    for (const { variant, key, reached } of texts) {
      for (const { name: buffer, access, element } of bindings) {
        if (variant.absent.includes(buffer) || element === 'Mask') continue;
        expect(reached.has(`load_${snake(buffer)}`), `${key} reads ${buffer}`).toBe(access !== 'write');
        expect(reached.has(`store_${snake(buffer)}`), `${key} writes ${buffer}`).toBe(access !== 'read');
      }
      if (bindings.some(({ name: buffer, element }) => element === 'Mask' && !variant.absent.includes(buffer))) {
        expect(reached.has('valid_at'), `${key} asks the mask`).toBe(true);
      }
    }
  });

  it('copies the fence’s zero before anything else, or compilers would know it', () => {
    for (const { key, functions } of texts) {
      const fenced = functions.has('arithmetic_fence') || functions.has('arithmetic_fence_value');
      if (fenced) expect(functions.get('main'), key).toMatch(/^\{\s*fence_zero = params\.zero;/);
    }
  });

  it('goes without a buffer only where its row says what stands in its place', () => {
    for (const { variant, key, functions } of texts) {
      for (const { name: buffer, access, element, absent } of bindings.filter((binding) => variant.absent.includes(binding.name))) {
        expect(absent, `${key} without ${buffer}`).toBeDefined();
        if (element === 'Mask') continue; // and what is not named is left out
        if (access !== 'write') expect(functions.get(`load_${snake(buffer)}`) ?? `{ return ${absent}; }`, key).toBe(`{ return ${absent}; }`);
        if (access !== 'read') expect(functions.get(`store_${snake(buffer)}`) ?? '{}', key).toBe('{}');
      }
    }
  });

  it('has the rows’ mask that the options name, and none where they name none', () => {
    for (const { variant, key, functions } of texts) {
      const valid = functions.get('valid_at');
      const [mask, count] =
        (['mask', 'validRows'] as const).map((buffer) => bindings.some((binding) => binding.name === buffer) && !variant.absent.includes(buffer));
      expect(mask && count, key).toBe(false);
      if (valid === undefined) expect([mask, count], key).toEqual([false, false]);
      else expect([/\bmask\[/.test(valid), /\bvalid_rows\[/.test(valid), valid === '{ return Valid(true); }'], key).toEqual([mask, count, !mask && !count]);
    }
  });

  it('binds reads before writes, and at most 8 storage buffers where a device has no more', () => {
    for (const { variant, key } of texts) {
      const access = bindingsOf(variant).map((binding) => (binding.access === 'read' ? 0 : 1));
      expect(access, key).toEqual([...access].sort());
    }
    for (const variant of atDefaults) if (variant.kernel === name) expect(bindingsOf(variant).length, variantKey(variant)).toBeLessThanOrEqual(8);
  });

  it('is in its row what the text takes it for', () => {
    expect(new Set(bindings.map((binding) => binding.name)).size).toBe(bindings.length);
    for (const { name: buffer, element, absent } of bindings) {
      const constant = buffer === 'gamma' ? 'Channel(1.0)' : { Value: 'Value()', Channel: 'Channel()', Mask: 'none', Word: 'Word()' }[element];
      if (absent !== undefined) expect(absent, buffer).toBe(constant);
    }
  });
});

describe('variants', () => {
  const tile: Tile = { width: 4, across: 'channels', groupSize: 256, grouped: true, registers: false, unrolled: false };
  const plain = { tile, storage: 'f32', activation: NONE, frozen: false, inPlace: false } as const;
  const unmasked = ['residual', 'mask', 'validRows', 'runningMean', 'runningVar'] as const;

  it('control: a text declares its bindings in the order of the layout', () => {
    const variant: Variant = { ...plain, kernel: 'normalize', absent: unmasked };
    expect(declared(variantText(variant).code)).toEqual([
      [0, 'uniform', 'params'], [1, 'storage, read', 'x'], [2, 'storage, read', 'saved'], [3, 'storage, read', 'gamma'],
      [4, 'storage, read', 'beta'], [5, 'storage, read_write', 'y'],
    ]);
  });

  it('an absent buffer leaves no binding, and its constant in its place', () => {
    const variant: Variant = { ...plain, kernel: 'normalize', absent: [...unmasked, 'gamma'] };
    const { code } = variantText(variant);
    expect(bindingsOf(variant).map(({ name }) => name)).toEqual(['x', 'saved', 'beta', 'y']);
    expect(code).toContain('fn load_gamma(i: Index) -> Channel { return Channel(1.0); }');
    expect(code).not.toMatch(/var<[^>]*> gamma/);
    expect([...code.matchAll(/@binding\((\d+)\)/g)].map(([, index]) => Number(index))).toEqual([0, 1, 2, 3, 4]);
  });

  it('in place the read buffer is the written one, in a kernel that has both', () => {
    const over: Variant = { ...plain, kernel: 'normalize', absent: unmasked, inPlace: true };
    expect(bindingsOf(over).map(({ name, access }) => `${name} ${access}`)).toEqual(['saved read', 'gamma read', 'beta read', 'y write']);
    expect(variantText(over).code).toContain('fn load_x(i: u32) -> Value { return y[i]; }');
    expect(variantKey(over)).not.toBe(variantKey({ ...over, inPlace: false }));
    const gradients = { ...plain, absent: [...unmasked, 'dresidual', 'gamma', 'beta'], inPlace: true } as const;
    expect(bindingsOf({ ...gradients, kernel: 'gradient_input' }).map(({ name }) => name)).toEqual(['x', 'coefficients', 'dx']);
    expect(bindingsOf({ ...gradients, kernel: 'gradient_partial' }).map(({ name }) => name)).toContain('dy');
    expect(variantKey({ ...gradients, kernel: 'gradient_partial' })).toBe(variantKey({ ...gradients, kernel: 'gradient_partial', inPlace: false }));
  });

  it('a buffer another kernel goes without makes no new text', () => {
    const variant: Variant = { ...plain, kernel: 'moments_partial', absent: [] };
    expect(variantKey({ ...variant, absent: ['runningMean'] })).toBe(variantKey(variant));
  });

  it('nor do storage and ReLU where no tensor is bound', () => {
    const variant: Variant = { ...plain, kernel: 'moments_finalize', absent: [] };
    for (const other of [{ storage: 'f16' }, { storage: 'bf16' }, { activation: RELU }, { inPlace: true }] as const) {
      expect(variantKey({ ...variant, ...other })).toBe(variantKey(variant));
      expect(variantText({ ...variant, ...other }).code).toBe(variantText(variant).code);
    }
  });

  it.each(['hardware', 'software'] as const)('every key stands for one text, and every text for one key, %s', (adapterClass) => {
    const all = allVariants(adapterClass, LIMITS);
    const texts = new Map<string, string>();
    for (const variant of all) {
      const text = variantText(variant).code;
      expect(texts.get(variantKey(variant)) ?? text).toBe(text);
      texts.set(variantKey(variant), text);
    }
    expect(texts.size).toBe(all.length);
    expect(new Set(all.map(({ kernel }) => kernel))).toEqual(new Set(names));
  });

  it('a key forgets nothing that changes the text: of each variant, whatever else it could be', { tags: ['long'] }, () => {
    for (const variant of allVariants('hardware', LIMITS)) {
      const { bindings }: Kernel = KERNELS[variant.kernel];
      const optional = bindings.filter(({ absent }) => absent !== undefined).map(({ name }) => name);
      const others: Variant[] = [
        ...(['f32', 'f16', 'bf16'] as const).map((storage) => ({ ...variant, storage })),
        { ...variant, activation: variant.activation.name === 'none' ? RELU : NONE }, { ...variant, frozen: !variant.frozen },
          { ...variant, inPlace: !variant.inPlace },
        ...([{ grouped: !variant.tile.grouped }, { kept: !variant.tile.registers }, { groupSize: 64 }, { width: 1 }, { width: 4 }, { across: 'rows' },
          { across: 'channels' }] as Partial<Tile>[])
          .map((change) => ({ ...variant, tile: { ...variant.tile, ...change } })),
        ...optional.map(
          (name) => ({ ...variant, absent: variant.absent.includes(name) ? variant.absent.filter((other) => other !== name) : [...variant.absent, name] }),
        ),
      ];
      const text = (of: Variant) => variantText(of).code;
      for (const other of others) {
        if (variantKey(other) === variantKey(variant)) expect(text(other), variantKey(variant)).toBe(text(variant));
      }
    }
  });

  it('constants say the group; an activation is the part of its name, where z is', () => {
    const small = { ...tile, groupSize: 16, grouped: false };
    const single = variantText({ ...plain, kernel: 'forward_single', absent: [], tile: small }).code;
    expect(single).toContain('const GROUP_SIZE = 16u;');
    expect(single).not.toContain('workgroup>');
    const partial = variantText({ ...plain, kernel: 'moments_partial', absent: [] }).code;
    expect(partial).toContain('const GROUP_SIZE = 256u;');
    expect(partial).toContain('var<workgroup> group_mean: array<Channel, GROUP_SIZE>;');
    const chosen = (kernel: KernelName, activation: Variant['activation']) => {
      const { origins } = variantText({ ...plain, kernel, absent: [], activation });
      return [...new Set(origins.map(({ file }) => file).filter((file) => file.startsWith('activations/') && file !== 'activations/nan_kept.wgsl'))];
    };
    for (const kernel of ['forward_single', 'backward_single', 'normalize', 'gradient_partial', 'gradient_input'] as const) {
      for (const [name, files] of [
        ['none', ['none']], ['relu', ['relu']], ['leakyRelu', ['leaky_relu']], ['relu6', ['relu6']], ['hardSwish', ['hard_swish']],
        ['silu', ['sigmoid', 'silu']], ['gelu', ['gelu', 'sigmoid']],
      ] as const) {
        expect(chosen(kernel, resolveActivation('', name)).sort()).toEqual(files.map((file) => `activations/${file}.wgsl`));
      }
    }
    expect(chosen('moments_partial', RELU)).toEqual([]);
  });

  it('nothing stands in a text that its entry does not come to', () => {
    for (const variant of everyVariant) {
      const code = variantText(variant).code.replace(/\/\/.*/g, '');
      const declaredNames = [...code.matchAll(/^(?:@[^\n]*\n?)?\s*(?:fn|struct|alias|const|var(?:<[^>]*>)?) (\w+)/gm)].map(([, name]) => name)
        .filter((name) => name !== 'main');
      const named = (name: string) => [...code.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length;
      expect(declaredNames.filter((name) => named(name) < 2), variantKey(variant)).toEqual([]);
    }
  });

  it('channels-first a Value of four rows is summed to one channel, channels-last it is four channels, flat two of anything', () => {
    const types = (kernel: KernelName, across: Tile['across'], width: Tile['width']) =>
      variantText({ ...plain, kernel, absent: [...unmasked, 'gamma', 'beta'], storage: across === 'flat' ? 'f16' : 'f32', tile: { ...tile, across, width } })
        .code;
    expect(types('moments_partial', 'channels', 4)).toMatch(/alias Value = vec4f;[^]*alias Channel = vec4f;[^]*const VALUES = 1u;/);
    expect(types('moments_partial', 'rows', 4)).toMatch(/alias Value = vec4f;[^]*alias Channel = f32;[^]*const VALUES = 4u;/);
    expect(types('moments_partial', 'rows', 1)).toMatch(/alias Value = f32;[^]*alias Channel = f32;[^]*const VALUES = 1u;/);
    expect(types('normalize', 'flat', 2)).toMatch(/alias Value = vec2f;[^]*alias Channel = vec2f;[^]*alias Index = vec2u;[^]*alias Rows = vec2u;/);
  });

  it('halves are stored two a word, and the padding of an odd tensor stays', () => {
    const of = (across: Tile['across'], width: Tile['width'], storage: Variant['storage']) =>
      variantText({ ...plain, kernel: 'normalize', absent: unmasked, storage, tile: { ...tile, across, width } }).code;
    for (const storage of ['f16', 'bf16'] as const) {
      expect(declared(of('channels', 4, storage)).at(-1)).toEqual([5, 'storage, read_write', 'y']);
      expect(of('channels', 4, storage)).toContain('var<storage, read_write> y: array<vec2u>;');
      expect(of('flat', 2, storage)).toContain('var<storage, read_write> y: array<u32>;');
      expect(of('flat', 2, storage)).toMatch(/fn store_y\(.*i == params\.flat_odd.*0xffff0000u/);
      expect(of('flat', 2, storage)).toContain('array<f32>;');
      expect(functionsOf(of('rows', 1, storage)).get('load_x')).toBe('{ return unpack_pair(x[i / 2u])[i % 2u]; }');
    }
    expect(of('channels', 4, 'f32')).toContain('var<storage, read_write> y: array<Value>;');
    expect(of('channels', 4, 'f32')).not.toContain('pack_pair');
  });

  it('no text writes half a word that another thread might write', () => {
    for (const variant of everyVariant) {
      const { tile: { width }, storage, kernel } = variant;
      const writes = bindingsOf(variant).some(({ element, access }) => element === 'Value' && access !== 'read');
      if (storage !== 'f32' && writes) expect(width, kernel).not.toBe(1);
    }
  });

  it('a compile error’s line is found again in its file', () => {
    for (const variant of [{ ...plain, kernel: 'normalize', absent: unmasked },
      { ...plain, kernel: 'forward_single', absent: [], storage: 'f16' }] as Variant[]) {
      const linked = variantText(variant);
      expect(new Set(linked.origins.map(({ file }) => file)).size).toBeGreaterThan(5);
      linked.code.split('\n').slice(0, -1).forEach((line, i) => {
        const [, file, number] = /^(?:shaders\/)?(.*):(\d+)$/.exec(originOf(linked, i + 1))!;
        if (file !== 'declarations') expect(textOf(file).split('\n')[Number(number) - 1]).toBe(line);
      });
    }
  });
});

describe('shader files', () => {
  const used = new Set(everyVariant.flatMap((variant) => variantText(variant).origins.map(({ file }) => file)));

  it('control: there are some, and each kernel is a row or the probe', () => {
    expect(new Set(kernelFiles)).toEqual(new Set([...names, 'probe_order'].map((name) => `kernels/${name}.wgsl`)));
  });

  it('every part is in some text', () => {
    expect(files.filter((file) => !used.has(file) && file !== 'kernels/probe_order.wgsl')).toEqual([]);
  });

  it('no two files have one name', () => {
    const bare = files.map((file) => file.replace(/.*\//, ''));
    expect(bare.filter((name, i) => bare.indexOf(name) !== i)).toEqual([]);
  });

  it('of the parts that define one name a variant’s scope has at most one', () => {
    for (const variant of everyVariant) expect(() => variantText(variant), variantKey(variant)).not.toThrow();
    expect(partsInScope(everyVariant[0]).length).toBeGreaterThan(10);
  });

  it.each(kernelFiles)('%s opens with the house’s header', (file) => {
    const header = textOf(file).split('\n').filter((line) => line.startsWith('//'));
    const labels = header.map((line) => /^\/\/ (Source|Layout|Threads|Traffic|Numerics|Twin) {2,}\S/.exec(line)?.[1]).filter(Boolean);
    expect(labels).toEqual(['Source', 'Layout', 'Threads', 'Traffic', 'Numerics', 'Twin']);
  });

  it.each(files)('%s has the labels it has in the house’s order', (file) => {
    const order = ['Source', 'Layout', 'Threads', 'Traffic', 'Numerics', 'Twin'];
    const labels = [...textOf(file).matchAll(/^\/\/ ([A-Z]\w+) {2,}\S/gm)].map(([, label]) => label);
    expect(labels).toEqual(order.filter((label) => labels.includes(label)));
  });

  it.each(files)('%s names twins and parts that exist', (file) => {
    const text = textOf(file);
    const twins = /^\/\/ Twin +(.*)$/m.exec(text)?.[1] ?? 'none: a part';
    const named = twins.startsWith('none: ') ? [] : twins.split(', ');
    for (const path of named) expect(existsSync(new URL(`../../${path}`, import.meta.url)), path).toBe(true);
    for (const [other] of text.matchAll(/\b\w+\/\w+\.wgsl/g)) expect(files, file).toContain(other.replace(/^shaders\//, ''));
  });
});
