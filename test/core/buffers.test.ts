// Claim: a buffer that a kernel cannot use is refused in a sentence before anything is recorded, whole or as a piece of a
// tensor, and so is every sharing of one buffer but reads, writes apart, and exact places in a call in place.
// Control: views that are accepted, with what is bound of them; each rule then broken alone, at its limit and one past.
import { describe, expect, it } from 'vitest';
import { type Argument, type BufferLimits, type Piece, type Requirement, checkSharing, checkView } from '../../src/core/buffers.js';

const LIMITS: BufferLimits = { maxStorageBufferBindingSize: 65536, minStorageBufferOffsetAlignment: 256 };
const STORAGE = 0x80;

const bufferOf = (size: number, usage = STORAGE) => ({ size, usage, label: '', unmap() {} }) as unknown as GPUBuffer;
const needsOf = (change: Partial<Requirement> = {}): Requirement => ({
  name: 'x', bytes: 4096, reads: true, writes: false, windowed: true, rows: 16, parts: 3, from: (rows, parts) => `rows ${rows}, parts ${parts}`, ...change,
});
const nothing = bufferOf(0);
const emptyArgument = (): Argument => ({ name: '', buffer: nothing, offset: 0, bytes: 0, reads: false, writes: false, from: 0 });

function view(given: unknown, needs: Partial<Requirement> = {}, piece?: Piece, limits = LIMITS): Argument {
  const into = emptyArgument();
  checkView('call', given, needsOf(needs), limits, into, piece);
  return into;
}

describe('a view', () => {
  const buffer = bufferOf(8192);

  it('control: a buffer, a part of one, and what the sizes default to', () => {
    expect(view(buffer)).toEqual({ name: 'x', buffer, offset: 0, bytes: 4096, reads: true, writes: false, from: 0 });
    expect(view({ buffer })).toMatchObject({ offset: 0, bytes: 4096 });
    expect(view({ buffer, offset: 256, size: 4096 })).toMatchObject({ buffer, offset: 256, bytes: 4096 });
    expect(view({ buffer, offset: 4096 })).toMatchObject({ offset: 4096, bytes: 4096 });
    expect(view({ buffer, size: 4096 }, { name: 'y', reads: false, writes: true })).toMatchObject({ name: 'y', reads: false, writes: true });
  });

  it.each<[string, unknown, Partial<Requirement>, ErrorConstructor, string]>([
    ['null', null, {}, TypeError, 'call: "x" is null, needs a GPUBuffer or { buffer, offset, size }.'],
    ['left out', undefined, {}, TypeError, 'call: "x" is undefined, needs a GPUBuffer or { buffer, offset, size }.'],
    ['a number', 5, {}, TypeError, 'call: "x" is 5, needs a GPUBuffer or { buffer, offset, size }.'],
    ['a typed array', new Float32Array(4), {}, TypeError, 'call: "x" is Float32Array, needs a GPUBuffer or { buffer, offset, size }.'],
    ['no buffer in it', { offset: 0 }, {}, TypeError, 'call: "x" is Object, needs a GPUBuffer or { buffer, offset, size }.'],
    ['something of a size and a usage', { size: 8192, usage: STORAGE }, {}, TypeError, 'call: "x" is Object, needs a GPUBuffer or { buffer, offset, size }.'],
    ['such a thing for a buffer', { buffer: { size: 8192, usage: STORAGE } }, {}, TypeError,
      'call: "x" is Object, needs a GPUBuffer or { buffer, offset, size }.'],
    ['something else for a buffer', { buffer: new Float32Array(4) }, {}, TypeError, 'call: "x" is Object, needs a GPUBuffer or { buffer, offset, size }.'],
    ['offset below 0', { buffer, offset: -256 }, {}, RangeError, 'call: "x" has offset -256, needs an integer from 0 to its buffer\'s 8192 bytes.'],
    ['offset no integer', { buffer, offset: 0.5 }, {}, RangeError, 'call: "x" has offset 0.5, needs an integer from 0 to its buffer\'s 8192 bytes.'],
    ['offset past the end', { buffer, offset: 8448 }, {}, RangeError, 'call: "x" has offset 8448, needs an integer from 0 to its buffer\'s 8192 bytes.'],
    ['offset misaligned', { buffer, offset: 128 }, {}, RangeError,
      'call: "x" has offset 128, needs a multiple of 256 (the device\'s minStorageBufferOffsetAlignment). Move it there.'],
    ['size past the end', { buffer, offset: 256, size: 7937 }, {}, RangeError,
      'call: "x" has size 7937 at offset 256, needs at most 7936 (its buffer is 8192 bytes).'],
    ['size below 0', { buffer, size: -1 }, {}, RangeError, 'call: "x" has size -1 at offset 0, needs at most 8192 (its buffer is 8192 bytes).'],
    ['size no integer', { buffer, size: NaN }, {}, RangeError, 'call: "x" has size NaN at offset 0, needs at most 8192 (its buffer is 8192 bytes).'],
    ['one byte short', { buffer, size: 4095 }, {}, RangeError, 'call: "x" is 4095 bytes, needs 4096 (rows 16, parts 3). Create it with that size.'],
    ['short from its offset on', { buffer, offset: 4352 }, {}, RangeError, 'call: "x" is 3840 bytes, needs 4096 (rows 16, parts 3). Create it with that size.'],
    ['usage', bufferOf(8192, 0xc), {}, TypeError, 'call: "x" has usage 0xc, needs GPUBufferUsage.STORAGE (0x80). Create it with that usage.'],
    [
      'larger than a binding', bufferOf(2 ** 20), { bytes: 65540, windowed: false }, RangeError,
      'call: "x" needs 65540 bytes (rows 16, parts 3), the device binds at most 65536 (maxStorageBufferBindingSize). Request the device with a higher limit, ' +
        'or split the batch.',
    ],
  ])('%s is refused, and nothing is kept of it', (_, given, needs, kind, message) => {
    const into = emptyArgument();
    const act = () => checkView('call', given, needsOf(needs), LIMITS, into);
    expect(act).toThrow(kind);
    expect(act).toThrow(message);
    expect(into).toEqual(emptyArgument());
  });

  it('at the limits it is not', () => {
    expect(view(bufferOf(4096)).bytes).toBe(4096);
    expect(view({ buffer, offset: 8192, size: 0 }, { bytes: 0 }).bytes).toBe(0);
    expect(view(bufferOf(2 ** 20), { bytes: 65536, windowed: false }).bytes).toBe(65536);
    expect(view(bufferOf(2 ** 20), { bytes: 65540, windowed: true }).bytes).toBe(65540);
    expect(view({ buffer, offset: 32 }, {}, undefined, { ...LIMITS, minStorageBufferOffsetAlignment: 32 }).offset).toBe(32);
  });
});

describe('a piece of a tensor', () => {
  const buffer = bufferOf(4096);

  it('control: the first, one between, the last', () => {
    const needs = { bytes: 10_000 };
    expect(view({ buffer, size: 1024 }, needs, { from: 0, last: false })).toMatchObject({ offset: 0, bytes: 1024, from: 0 });
    expect(view({ buffer, offset: 256, size: 1280 }, needs, { from: 1024, last: false })).toMatchObject({ offset: 256, bytes: 1280, from: 1024 });
    expect(view(bufferOf(8000), needs, { from: 2304, last: true })).toMatchObject({ bytes: 7696, from: 2304 });
    expect(view(bufferOf(7696), needs, { from: 2304, last: true }).bytes).toBe(7696);
  });

  it('of one that could hold the rest, no more than the rest is used', () => {
    expect(view(buffer, { bytes: 1000 }, { from: 256, last: false }).bytes).toBe(744);
  });

  it.each<[string, unknown, Piece, string]>([
    [
      'one that another follows is no multiple of 256', { buffer, size: 1028 }, { from: 0, last: false },
      'call: "x" is 1028 bytes, needs a multiple of 256 (another buffer follows it). Cut the tensor there.',
    ],
    ['so does a whole buffer', bufferOf(1000), { from: 0, last: false },
      'call: "x" is 1000 bytes, needs a multiple of 256 (another buffer follows it). Cut the tensor there.'],
    ['the last is short by one', bufferOf(3071), { from: 1024, last: true },
      'call: "x" is 3071 bytes, needs 3072 (rows 16, parts 3). Create it with that size.'],
    [
      'misaligned', { buffer, offset: 4, size: 1024 }, { from: 0, last: false },
      'call: "x" has offset 4, needs a multiple of 256 (the device\'s minStorageBufferOffsetAlignment). Move it there.',
    ],
    ['usage', bufferOf(1024, 8), { from: 0, last: false }, 'call: "x" has usage 0x8, needs GPUBufferUsage.STORAGE (0x80). Create it with that usage.'],
    ['no buffer', 'x', { from: 0, last: false }, 'call: "x" is "x", needs a GPUBuffer or { buffer, offset, size }.'],
  ])('%s', (_, given, piece, message) => expect(() => view(given, {}, piece)).toThrow(message));
});

describe('sharing', () => {
  const [A, B, C] = [bufferOf(8192), bufferOf(8192), bufferOf(8192)];
  const reads =
    (name: string, buffer: GPUBuffer, offset = 0, bytes = 1024, from = 0): Argument => ({ name, buffer, offset, bytes, reads: true, writes: false, from });
  const writes =
    (name: string, buffer: GPUBuffer, offset = 0, bytes = 1024, from = 0): Argument => ({ name, buffer, offset, bytes, reads: false, writes: true, from });
  const both = (name: string, buffer: GPUBuffer, offset = 0): Argument => ({ ...writes(name, buffer, offset), reads: true });
  const OVER = ['x', 'y'] as const;
  const forbidden = (output: string, input: string) =>
    `call: "${output}" is in the same buffer as "${input}", needs another (WebGPU forbids reading and ` +
    `writing one buffer in a dispatch, even on disjoint ranges). Use two buffers.`;

  it.each<[string, Argument[], (readonly [string, string])?]>([
    ['control: a buffer each', [reads('x', A), reads('gamma', B), writes('y', C)]],
    ['reads of the same bytes', [reads('x', A), reads('residual', A), writes('y', B)]],
    ['writes that touch', [writes('dgamma', A, 0), writes('dbeta', A, 1024)]],
    ['pieces of one tensor in one buffer, read or written', [reads('x', A), writes('y', B), reads('x', A, 1024, 1024, 1024), writes('y', B, 2048, 1024, 1024)]],
    ['a piece that is read twice', [reads('x', A), reads('x', A, 0, 1024, 1024)]],
    ['in place: y over x', [reads('x', A), writes('y', A)], OVER],
    ['in place: the names in either order of the list', [writes('y', A, 256), reads('x', A, 256)], OVER],
    ['in place, in pieces', [reads('x', A), writes('y', A), reads('x', B, 0, 512, 1024), writes('y', B, 0, 512, 1024)], OVER],
    ['a call that could be in place, apart', [reads('x', A), writes('y', B)], OVER],
  ])('%s', (_, list, over) => {
    expect(() => checkSharing('call', list, over)).not.toThrow();
    expect(() => checkSharing('call', [...list].reverse(), over)).not.toThrow();
  });

  it.each<[string, Argument[], (readonly [string, string]) | null, string]>([
    ['what is written stands over what is read', [reads('x', A), writes('y', A)], null, forbidden('y', 'x')],
    ['so in the other order', [writes('y', A), reads('x', A)], null, forbidden('y', 'x')],
    ['apart, in one buffer', [reads('x', A), writes('y', A, 4096)], null, forbidden('y', 'x')],
    ['what a later dispatch reads', [reads('x', B), both('saved', A), writes('runningMean', A, 4096)], null, forbidden('runningMean', 'saved')],
    ['a read of what is written and read', [reads('gamma', A), both('saved', A, 4096)], null, forbidden('saved', 'gamma')],
    ['in place, but elsewhere', [reads('x', A), writes('y', A, 256)], OVER, forbidden('y', 'x')],
    ['in place, but shorter', [reads('x', A), writes('y', A, 0, 512)], OVER, forbidden('y', 'x')],
    ['in place, but another piece of it', [reads('x', A), writes('y', A, 0, 1024, 1024)], OVER, forbidden('y', 'x')],
    ['pieces swapped', [reads('x', A), reads('x', B, 0, 1024, 1024), writes('y', B), writes('y', A, 0, 1024, 1024)], OVER, forbidden('y', 'x')],
    ['a second piece in another place', [reads('x', A), writes('y', A), reads('x', B, 0, 1024, 1024), writes('y', B, 256, 1024, 1024)], OVER,
      forbidden('y', 'x')],
    ['in place, and another reads it', [reads('x', A), reads('residual', A), writes('y', A)], OVER, forbidden('y', 'residual')],
    ['other names, in a call in place', [reads('dy', A), writes('dx', A)], OVER, forbidden('dx', 'dy')],
    ['x over y where dx may stand over dy', [reads('x', A), writes('y', A)], ['dy', 'dx'], forbidden('y', 'x')],
    [
      'writes that overlap by a word', [writes('dgamma', A, 0, 1028), writes('dbeta', A, 1024)], null,
      'call: "dbeta" is bytes 1024 to 2048, needs to be apart from "dgamma" at bytes 0 to 1028 of the same buffer (both are written). Use two buffers or ' +
        'disjoint ranges.',
    ],
    [
      'two pieces written to one place', [writes('y', A), writes('y', A, 0, 1024, 1024)], null,
      'call: "y" is bytes 0 to 1024, needs to be apart from "y" at bytes 0 to 1024 of the same buffer (both are written). Use two buffers or disjoint ranges.',
    ],
  ])('%s', (_, list, over, message) => {
    const kind = message.includes('apart') ? RangeError : TypeError;
    expect(() => checkSharing('call', list, over)).toThrow(kind);
    expect(() => checkSharing('call', list, over)).toThrow(message);
    expect(() => checkSharing('call', [...list].reverse(), over)).toThrow(kind);
  });

  it('without names nothing is in place', () => {
    expect(() => checkSharing('call', [reads('x', A), writes('y', A)])).toThrow(forbidden('y', 'x'));
  });
});
