// Claim: a synchronized call refuses what it cannot do before the other parts go on, and never mixes statistics.
// Control: one part alone, exchanged with itself, is a plain forward and backward.
import { beforeEach, describe, expect, it } from 'vitest';
import { type Backend, BatchNorm, type Exchange, openBackend } from '../../src/index.js';

const cpu = await openBackend({ prefer: 'cpu' });
const matrix = (rows: number, seed = 1) => cpu.tensor(Float32Array.from({ length: rows * 2 }, (_, i) => Math.sin(i * 1.3 + seed) * 2), [rows, 2]);

let layer: BatchNorm;
let exchanged: number;
const alone: Exchange = async (part) => {
  exchanged++;
  return [part];
};
beforeEach(async () => {
  layer = await BatchNorm.create(cpu, { channels: 2, synchronized: true });
  exchanged = 0;
});

it('control: one part is the whole batch', async () => {
  const plain = await BatchNorm.create(cpu, { channels: 2 });
  const [x, dy] = [matrix(9), matrix(9, 4)];
  const want = [await plain.forward(x).read(), await plain.backward(dy).read()];
  const got = [await (await layer.forwardSynchronized(x, alone)).read(), await (await layer.backwardSynchronized(dy, alone)).read()];
  got.forEach((values, i) => values.forEach((value, at) => expect(value).toBeCloseTo(want[i][at], 6)));
  expect(exchanged).toBe(2);
});

describe('refused before the exchange', () => {
  it('an out of another shape', async () => {
    await expect(layer.forwardSynchronized(matrix(4), alone, { out: cpu.empty([3, 2]) })).rejects.toThrow('"out" has shape [3, 2], needs [4, 2]');
    await layer.forwardSynchronized(matrix(4), alone);
    exchanged = 0;
    await expect(layer.backwardSynchronized(matrix(4), alone, { out: cpu.empty([3, 2]) })).rejects.toThrow('"out" has shape [3, 2], needs [4, 2]');
    expect(exchanged).toBe(0);
  });

  it('the layer’s own last result as x, which would be overwritten', async () => {
    const y = await layer.forwardSynchronized(matrix(4), alone);
    const before = await y.read();
    await expect(layer.forwardSynchronized(y, alone)).rejects.toThrow('BatchNorm.forwardSynchronized: "x" is this layer\'s own last result');
    expect(exchanged).toBe(1);
    expect(await y.read()).toEqual(before);
    await layer.forwardSynchronized(y, alone, { out: cpu.empty([4, 2]) });
    expect(await y.read()).toEqual(before);
  });

  it('backwardSynchronized of rows whose statistics are their own', async () => {
    layer.forward(matrix(4));
    await expect(layer.backwardSynchronized(matrix(4), alone)).rejects.toThrow('the last forward was not synchronized, needs that. Use backward(dy).');
    layer.eval().forward(matrix(4));
    await expect(layer.backwardSynchronized(matrix(4), alone)).rejects.toThrow('the last forward was not synchronized');
    expect(exchanged).toBe(0);
  });
});

it('backward refuses statistics of more rows than it sees', async () => {
  await layer.forwardSynchronized(matrix(4), async (part) => [part, part]);
  expect(() => layer.backward(matrix(4))).toThrow('the last forward was synchronized, needs one that was not. Use backwardSynchronized(dy, exchange).');
  layer.forward(matrix(4));
  expect(() => layer.backward(matrix(4))).not.toThrow();
});

it('backwardSynchronized notices a forward during its exchange', async () => {
  await layer.forwardSynchronized(matrix(4), alone);
  const between: Exchange = async (part) => {
    layer.forward(matrix(4, 9));
    return [part];
  };
  await expect(layer.backwardSynchronized(matrix(4), between)).rejects.toThrow(
    'another forward ran during the exchange, needs the statistics of the last one. Await each call before the next.',
  );
});

it('an exchange that fails leaves the running statistics', async () => {
  const before = await layer.state();
  await expect(layer.forwardSynchronized(matrix(4), async () => { throw new Error('the line is dead'); })).rejects.toThrow('the line is dead');
  await expect(layer.forwardSynchronized(matrix(4), async (part) => [part.subarray(1)])).rejects.toThrow(
    '"exchange" gave 7 words as part 0, needs a Uint32Array of 8.',
  );
  expect(await layer.state()).toEqual(before);
});

describe('what is no list of every part is refused, and nothing has moved', () => {
  const floats = (part: Uint32Array) => new Float32Array(part.buffer, part.byteOffset, part.length);
  const changed = (change: (copy: Uint32Array) => void): Exchange => async (part) => {
    const copy = part.slice();
    change(copy);
    return [part, copy];
  };
  it.each<[string, Exchange, string]>([
    ['nothing', async () => undefined as never, '"exchange" gave undefined, needs an array of every part.'],
    ['an empty list', async () => [], '"exchange" gave [], needs an array of every part.'],
    ['only another’s', async (part) => [part.slice().fill(0)],
      '"exchange" gave 1 parts without this layer\'s own, needs every part. Put the own one in its place, as it was given.'],
    ['sparse', async (part) => Object.assign(new Array<Uint32Array>(3), { 0: part }),
      '"exchange" gave undefined as part 1, needs a Uint32Array of 8. Carry the parts as they are.'],
    ['its own array, cleared', async (part) => [part.fill(0)], '"exchange" gave 1 parts without this layer\'s own'],
    ['unequal counts', changed((copy) => copy[1]++), '"exchange" gave part 1 with 4 rows in channel 0 and 5 in channel 1, needs one count.'],
    ['a negative m2', changed((copy) => (floats(copy)[7] = -2)), '"exchange" gave part 1 with m2 -2 in channel 1, needs at least 0 (a sum of squares).'],
    ['random bytes', changed((copy) => copy.forEach((_, i) => (copy[i] = Math.imul(i + 1, 0x9e3779b9)))),
      '"exchange" gave part 1 with 2654435769 rows in channel 0 and 1013904242 in channel 1'],
    ['more rows than a u32 counts', changed((copy) => copy.fill(0xffffffff, 0, 2)),
      '"exchange" gave parts of 4294967299 rows together, needs at most 4294967295'],
    ['70 000 parts', async (part) => Array.from({ length: 70_000 }, () => part), '"exchange" gave 70000 parts, needs at most 65535. Cut the batch into fewer.'],
  ])('%s', async (_, exchange, message) => {
    await layer.forwardSynchronized(matrix(5), alone);
    const before = [await layer.state(), await layer.statistics()];
    await expect(layer.forwardSynchronized(matrix(4), exchange)).rejects.toThrow(`BatchNorm.forwardSynchronized: ${message}`);
    expect([await layer.state(), await layer.statistics()]).toEqual(before);
    await layer.backwardSynchronized(matrix(5), alone); // of the forward that there was
  });

  it.each(['x', 'out', 'gamma'] as const)('%s disposed during the exchange', async (name) => {
    const tensors = { x: matrix(4), out: cpu.empty([4, 2]), gamma: layer.gamma! };
    const before = { ...(await layer.state()) };
    const disposing: Exchange = async (part) => {
      tensors[name].dispose();
      return [part];
    };
    await expect(layer.forwardSynchronized(tensors.x, disposing, { out: tensors.out })).rejects.toThrow(`"${name}" was disposed`);
    expect(layer.batches).toBe(0);
    expect(await layer.runningMean!.read()).toEqual(before.runningMean);
  });
});

it('a device that is lost while a part is read is what the error says', async () => {
  let lost = false;
  const failing: Backend = Object.create(cpu, {
    check: { value: (call: string) => { if (lost) throw new Error(`${call}: the device was lost (tried).`); } },
    engine: {
      value: async () => ({
        async moments() {
          lost = true;
          throw new DOMException('', 'AbortError'); // what a mapping says then
        },
      }),
    },
  });
  const synchronized = await BatchNorm.create(failing, { channels: 2, synchronized: true });
  const x = failing.tensor(new Float32Array(8), [4, 2]);
  await expect(synchronized.forwardSynchronized(x, alone)).rejects.toThrow('BatchNorm.forwardSynchronized: the device was lost (tried).');
  expect(exchanged).toBe(0);
});
