// Claim: what Python's safetensors wrote is read exactly and written again to the byte, only what is asked for is read of a file, and a
// broken file is refused by the entry's name.
// Control: the two files in ./safetensors, from Python (make.py there says how).
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BatchNorm, fromNames, listBatchNorms, openBackend, packHalf, readSafetensors, readSafetensorsMetadata, toNames,
  writeSafetensors } from '../../src/index.js';

const fileOf = (name: string) => readFileSync(`${import.meta.dirname}/safetensors/${name}.safetensors`);
const torch = fileOf('torch');
const gamma = [0.1, 2, 1e-3];
const beta = [-0.125, 0, 0.125];

/** A file by hand, from the format's specification. */
function fileBy(header: unknown, data: number | Uint8Array = 0, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? Buffer.from(header, 'latin1') : Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(text.length));
  return Buffer.concat([size, text, typeof data === 'number' ? new Uint8Array(data) : data]);
}
const f32 = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

describe('control: files of Python', () => {
  it('every batch norm with its prefix, of every float type, halves exactly', async () => {
    const entries = await readSafetensors(torch);
    const found = listBatchNorms(entries, 'pytorch');
    const all = { channels: 3, gamma: true, beta: true };
    expect(found).toEqual([
      ...[1, 4, 5, 6].map((i) => ({ ...all, prefix: `features.${i}.` })), { ...all, gamma: false, beta: false, prefix: 'features.7.' },
    ]);
    const rounded = { 1: gamma, 4: [0.0999755859375, 2, 1.0244140625 * 2 ** -10], 5: [0.10009765625, 2, 0.00099945068359375], 6: gamma };
    for (const [i, scale] of Object.entries(rounded)) {
      const want = { gamma: Float32Array.from(scale), beta: Float32Array.from(beta), runningMean: Float32Array.from(beta), runningVar: Float32Array.from(scale),
        batches: 12 };
      expect(fromNames(entries, 'pytorch', { prefix: `features.${i}.` })).toEqual(want);
    }
    expect(fromNames(entries, 'pytorch', { prefix: 'features.7.', fill: true }).gamma).toEqual(Float32Array.of(1, 1, 1));
    expect(fromNames(entries, 'pytorch', { prefix: 'features.8.', trackRunning: false }).beta).toEqual(Float32Array.from(beta));
  });

  it('the other entries are described: a layer that is none is refused by its name', async () => {
    const entries = await readSafetensors(torch);
    expect(entries['features.0.weight']).toEqual({ dtype: 'F32', shape: [3, 1, 3, 3] });
    expect(entries.position_ids).toEqual({ dtype: 'I64', shape: [4] });
    expect(() => fromNames(entries, 'pytorch', { prefix: 'features.0.', trackRunning: false })).toThrow(
      'fromNames: "features.0.weight" has shape [3, 1, 3, 3], needs the numbers of one axis');
  });

  it('read by name: a weight to fold into, flat', async () => {
    const { 'features.0.weight': weight } = await readSafetensors(torch, { names: ['features.0.weight'] });
    expect(weight).toEqual(Float32Array.from({ length: 27 }, (_, i) => (i - 1) / 8));
    await expect(readSafetensors(torch, { names: ['position_ids'] })).rejects.toThrow(
      'readSafetensors: "position_ids" is I64, needs F64, F32, F16 or BF16. Save it as one of these.');
    await expect(readSafetensors(torch, { names: ['bn'] })).rejects.toThrow(
      'readSafetensors: "bn" is not in the file, needs one of its 30 entries. Correct "names".');
  });

  it('flax: variables flattened by dots', async () => {
    const entries = await readSafetensors(fileOf('flax'));
    expect(listBatchNorms(entries, 'flax')).toEqual([{ prefix: 'BatchNorm_0.', channels: 3, gamma: true, beta: true },
      { prefix: 'last.', channels: 3, gamma: false, beta: true }]);
    const values = Float32Array.of(1, 2, 3);
    expect(fromNames(entries, 'flax', { prefix: 'last.', gamma: false })).toEqual({ beta: values, runningMean: values, runningVar: values, batches: 0 });
  });

  it('a layer loads it', async () => {
    const layer = await BatchNorm.create(await openBackend({ prefer: 'cpu' }), { channels: 3 });
    layer.load(fromNames(await readSafetensors(torch), 'pytorch', { prefix: 'features.1.' }));
    expect((await layer.state()).runningVar).toEqual(Float32Array.from(gamma));
  });

  it.each([
    ['Uint8Array', (bytes: Buffer) => new Uint8Array(bytes)], ['a view at an odd byte', (bytes: Buffer) => new Uint8Array([7, ...bytes]).subarray(1)],
    ['ArrayBuffer', (bytes: Buffer) => new Uint8Array(bytes).buffer], ['Blob', (bytes: Buffer) => new Blob([new Uint8Array(bytes)])],
  ])('from %s', async (_, give) => {
    expect(await readSafetensors(give(torch))).toEqual(await readSafetensors(torch));
    expect(await readSafetensorsMetadata(give(torch))).toEqual({ format: 'pt' });
    expect(await readSafetensorsMetadata(give(fileOf('flax')))).toEqual({});
  });

  it('of a Blob only the header and the vectors are read, and values are copies', async () => {
    const bytes = writeSafetensors({ 'bn.weight': [1, 2], big: { data: new Float32Array(1 << 18), shape: [512, 512] } });
    const ranges: number[] = [];
    class Counted extends Blob {
      override slice(begin: number, end: number) {
        ranges.push(end - begin);
        return super.slice(begin, end);
      }
    }
    const entries = await readSafetensors(new Counted([bytes]));
    expect(ranges.reduce((sum, size) => sum + size)).toBeLessThan(300);
    const values = (await readSafetensors(bytes))['bn.weight'] as Float32Array;
    expect(values.buffer.byteLength).toBe(8);
    expect(entries['bn.weight']).toEqual(values);
  });
});

describe('written', () => {
  it('what Python wrote, to the byte', async () => {
    const half = (name: string) => ['features.4', 'features.5'].findIndex((prefix) => name.startsWith(prefix));
    const { position_ids: _, ...rest } = await readSafetensors(torch);
    const weight = (await readSafetensors(torch, { names: ['features.0.weight', 'features.3.weight'] })) as Record<string, Float32Array>;
    const given = Object.fromEntries(Object.entries(rest).map(([name, value]) => {
      const type = (['f16', 'bf16'] as const)[half(name)];
      if (name in weight) return [name, { data: weight[name], shape: (value as { shape: readonly number[] }).shape }];
      return [name, type && value instanceof Float32Array ? { data: packHalf(value, type), type } : value];
    }));
    const written = writeSafetensors(given, { metadata: { format: 'pt' } });
    // Python's file has one entry more, of four integers, which this library does not write: left out of a copy by hand.
    const at = 8 + Number(torch.readBigUInt64LE());
    const header = JSON.parse(torch.toString('utf8', 8, at)) as Record<string, { data_offsets: [number, number] }>;
    const [begin, end] = header.position_ids.data_offsets;
    delete header.position_ids;
    for (const { data_offsets: offsets } of Object.values(header)) if (offsets?.[0] >= end) offsets.forEach((_offset, i) => (offsets[i] -= end - begin));
    const text = JSON.stringify(header);
    const want = fileBy(text.padEnd(Math.ceil(text.length / 8) * 8), Buffer.concat([torch.subarray(at, at + begin), torch.subarray(at + end)]));
    expect(Buffer.compare(written, want)).toBe(0);

    const flax = fileOf('flax');
    const kernel = { data: (await readSafetensors(flax, { names: ['params.Dense_0.kernel'] }))['params.Dense_0.kernel'], shape: [2, 3] };
    expect(Buffer.compare(writeSafetensors({ ...(await readSafetensors(flax)), 'params.Dense_0.kernel': kernel }), flax)).toBe(0);
  });

  it('a state, there and back', async () => {
    const state = { gamma: Float32Array.of(1, 2), beta: Float32Array.of(0, -1), runningMean: Float32Array.of(3, 4), runningVar: Float32Array.of(0, 1e-38),
      batches: 7 };
    for (const library of ['pytorch', 'keras', 'onnx', 'flax', 'webnn'] as const) {
      const file = writeSafetensors(toNames(state, library, 'a.b.'));
      expect(fromNames(await readSafetensors(file), library, { prefix: 'a.b.', batches: 7 })).toEqual(state);
    }
  });

  it('names of any kind, big counts, empty files', async () => {
    const entries = Object.fromEntries([['__proto__', Float32Array.of(1)], ['0', Float64Array.of(2)], ['ß…"\\', Float32Array.of(NaN)], ['count', 2n ** 60n],
      ['less', -1]]);
    const back = await readSafetensors(writeSafetensors(entries));
    expect(Object.entries(back).sort()).toEqual(Object.entries(entries).sort());
    expect(await readSafetensors(writeSafetensors({}))).toEqual({});
  });

  it.each<[string, () => unknown, string]>([
    ['halves without their type', () => writeSafetensors({ w: Uint16Array.of(1) }),
      'writeSafetensors: "w" is Uint16Array, needs its type too (f16 or bf16: the words alone do not tell).'],
    ['another array', () => writeSafetensors({ w: Int8Array.of(1) }),
      'writeSafetensors: "w" is Int8Array, needs a Float32Array, a Float64Array, numbers, an integer or { data, type }.'],
    ['no integer', () => writeSafetensors({ w: 0.5 }), 'writeSafetensors: "w" is 0.5, needs an integer of 64 bits. Give anything else as an array.'],
    ['too large an integer', () => writeSafetensors({ w: 2n ** 63n }), 'writeSafetensors: "w" is 9223372036854775808, needs an integer of 64 bits.'],
    ['text among numbers', () => writeSafetensors({ w: [1, '2'] }), 'writeSafetensors: "w" has "2" at 1, needs numbers.'],
    ['a shape of another size', () => writeSafetensors({ w: { data: [1, 2], shape: [3] } }),
      `writeSafetensors: "w" has shape [3], needs one of 2 elements (its data's). Correct it.`],
    ['a type of another size', () => writeSafetensors({ w: { data: Float32Array.of(1), type: 'f64' } }),
      `writeSafetensors: "w" has type "f64", needs 'f32' (its data is Float32Array).`],
    ['an entry not read', () => writeSafetensors({ w: { dtype: 'F32', shape: [2, 2] } }),
      'writeSafetensors: "w" was not read, needs its values. Read it by "names", or leave it out.'],
    ['metadata as an entry', () => writeSafetensors({ __metadata__: [1] }),
      'writeSafetensors: "__metadata__" is the name of an entry, needs another. Give the texts as the option "metadata".'],
    ['metadata of numbers', () => writeSafetensors({}, { metadata: { epoch: 3 as never } }), 'writeSafetensors: "epoch" of "metadata" is 3, needs a text.'],
    ['entries', () => writeSafetensors([[1]] as never), 'writeSafetensors: "entries" is Array, needs an object of entries by name.'],
  ])('refused: %s', (_, act, message) => expect(act).toThrow(message));
});

describe('a broken file', () => {
  const good = { a: f32([2], 0, 8), b: f32([1], 8, 12) };
  it('control', async () => {
    expect(await readSafetensors(fileBy(good, 12))).toEqual({ a: new Float32Array(2), b: new Float32Array(1) });
    expect(await readSafetensors(fileBy(`${JSON.stringify(good)}   `, 12))).toEqual({ a: new Float32Array(2), b: new Float32Array(1) });
    expect(await readSafetensors(fileBy({ a: f32([0], 0, 0) }))).toEqual({ a: new Float32Array() });
    expect(await readSafetensors(fileBy({ a: f32([9], 0, 36) }, 36))).toEqual({ a: new Float32Array(9) }); // a header of 60 bytes begins with '<'
  });

  it.each<[string, unknown, string]>([
    ['another kind', 'text', 'readSafetensors: "file" is "text", needs a Uint8Array, an ArrayBuffer, a Blob or a File.'],
    ['nothing', new Uint8Array(), `"file" has 0 bytes, needs at least 8 (the header's length). It was cut short or is broken: get it again.`],
    ['seven bytes', new Uint8Array(7), '"file" has 7 bytes, needs at least 8'],
    ['a header past the end', fileBy('{}', 0, 3n), '"file" has 10 bytes, needs 11 for its header alone. It was cut short or is broken: get it again.'],
    ['a header past the limit', fileBy('{}', 0, 100_000_001n),
      `"file" begins with 100000001, its header's length, needs at most 100000000. It is no safetensors file, or a broken one.`],
    ['the longest header', fileBy('{}', 0, 2n ** 64n - 1n), '"file" begins with 18446744073709551615'],
    ['a header at the limit', fileBy('{}', 0, 100_000_000n), '"file" has 10 bytes, needs 100000008 for its header alone.'],
    ['no header', fileBy(''), `"file" has a header that begins with nothing, needs '{' (it is JSON).`],
    ['a list', fileBy('[]'), `"file" has a header that begins with byte 0x5b, needs '{'`],
    ['a space in front', fileBy(' {}'), 'begins with byte 0x20'],
    ['half a header', fileBy('{"a":'), '"file" has a header that cannot be read ('],
    ['no UTF-8', fileBy('{"\xff":0}'), '"file" has a header that cannot be read ('],
    ['no entry', fileBy({ a: 1 }), '"a" has dtype undefined, needs a text such as "F32". The header is broken: get the file again.'],
    ['an unknown dtype', fileBy({ 'bn.weight': { ...f32([1], 0, 4), dtype: 'F33' } }, 4), '"bn.weight" has dtype "F33", needs one of BOOL, F4,'],
    ['a dtype of a prototype', fileBy({ a: { ...f32([1], 0, 4), dtype: 'toString' } }, 4), '"a" has dtype "toString", needs one of'],
    ['a shape of halves', fileBy({ a: f32([0.5], 0, 2) }, 2), '"a" has shape [0.5], needs an array of integers of at least 0.'],
    ['a negative shape', fileBy({ a: f32([-1, -1], 0, 4) }, 4), '"a" has shape [-1, -1], needs an array of integers'],
    ['a shape that overflows', fileBy({ a: f32([2 ** 40, 2 ** 40], 0, 0) }),
      '"a" has 0 bytes, needs 4.835703278458517e+24 (F32, shape [1099511627776, 1099511627776]).'],
    ['no offsets', fileBy({ a: { dtype: 'F32', shape: [1] } }, 4), '"a" has data_offsets undefined, needs its first byte and the one past its last.'],
    ['offsets in the other order', fileBy({ a: f32([1], 4, 0) }, 4), '"a" has data_offsets [4, 0], needs'],
    ['past the end', fileBy({ 'bn.weight': f32([2], 0, 8) }, 7),
      '"bn.weight" ends at byte 8 of the data, needs at most 7 (the file ends there). It was cut short or is broken: get it again.'],
    ['a size that is not the shape', fileBy({ a: f32([2], 0, 12) }, 12),
      '"a" has 12 bytes, needs 8 (F32, shape [2]). The header is broken: get the file again.'],
    ['an overlap', fileBy({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12),
      '"b" begins at byte 4 of the data, needs 8 ("a" ends there: they overlap). The file is broken: get it again.'],
    ['the same range', fileBy({ a: f32([2], 0, 8), b: f32([2], 0, 8) }, 8), '"b" begins at byte 0 of the data, needs 8 ("a" ends there: they overlap).'],
    ['a hole', fileBy({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), '"b" begins at byte 8 of the data, needs 4 (the bytes before it belong to no entry).'],
    ['a name twice', fileBy('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8),
      '"a" begins at byte 4 of the data, needs 0 (the bytes'],
    ['bytes behind', fileBy(good, 13), '"file" has 13 bytes of data, needs 12 (where its last entry ends). It is broken: get it again.'],
    ['metadata of numbers', fileBy({ __metadata__: { epoch: 3 } }), '"epoch" of "__metadata__" is 3, needs a text.'],
    ['metadata that is none', fileBy({ __metadata__: [] }), '"__metadata__" is Array, needs an object of texts.'],
    ['a .pt', Buffer.from('PK\x03\x04\x14\0\0\0\x08\x08', 'latin1'),
      '"file" is a zip (a .pt, .keras or .npz), needs the bytes of a safetensors file. Convert it, or give the right file.'],
    ['an .h5', Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), '"file" is HDF5 (an .h5)'],
    ['a pickle', Buffer.from('\x80\x02\x8a\nl\xfc\x9cF\xf9', 'latin1'), `"file" is Python's pickle`],
    ['a pointer of git-lfs', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), '"file" is what git-lfs leaves in place of the file'],
    ['a page', Buffer.from('<!doctype html><title>404'), '"file" is a page of HTML or XML'],
  ])('%s', async (_, file, message) => {
    await expect(readSafetensors(file as Uint8Array)).rejects.toThrow(message);
    await expect(readSafetensorsMetadata(file as Uint8Array)).rejects.toThrow(message.replace('readSafetensors:', 'readSafetensorsMetadata:'));
  });

  it('a wrong dtype is refused by the name of the entry', async () => {
    const file = fileBy({ 'bn.weight': { dtype: 'I32', shape: [1], data_offsets: [0, 4] }, 'bn.bias': { dtype: 'I32', shape: [2], data_offsets: [4, 12] } },
      12);
    const entries = await readSafetensors(file);
    expect(() => fromNames(entries, 'pytorch', { prefix: 'bn.', trackRunning: false, gamma: false, channels: 2 })).toThrow(
      'fromNames: "bn.weight" is 0, needs');
    const { 'bn.weight': _, ...bias } = entries;
    expect(() => fromNames(bias, 'pytorch', { prefix: 'bn.', trackRunning: false, gamma: false })).toThrow(
      'fromNames: "bn.bias" is of type I32, needs F64, F32, F16 or BF16. Save it as one of these.');
  });

  it('20 000 mutated files: an answer, or an error of this library', async () => {
    let seed = 1;
    const random = (most: number) => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % most;
    const [small, counts] = [writeSafetensors({ 'bn.weight': [1, 2], 'bn.bias': { data: Uint16Array.of(1, 2), type: 'f16' }, n: 3 }, { metadata: { a: 'b' } }),
      { read: 0, refused: 0 }];
    for (let i = 0; i < 20_000; i++) {
      const bytes = small.slice(0, random(4) ? small.length : random(small.length));
      for (let j = random(3); j >= 0 && bytes.length > 0; j--) bytes[random(bytes.length)] = random(2) ? random(256) : 48 + random(10);
      try {
        await readSafetensors(bytes);
        counts.read++;
      } catch (error) {
        if (!(error instanceof RangeError || error instanceof TypeError) || !error.message.startsWith('readSafetensors: "')) throw error;
        counts.refused++;
      }
    }
    expect(counts.read + counts.refused).toBe(20_000);
    expect(Math.min(counts.read, counts.refused)).toBeGreaterThan(500);
  });
});
