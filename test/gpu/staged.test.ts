// Claim: the nine staged steps, one operation at a time, give the closed form's gradients, whichever way they are cut,
// and write nothing past their outputs' ends. Bound: the library's own, 2e-6 of each output's scale.
import { afterEach, describe, expect, it } from 'vitest';
import { createStagedBackward } from '../../src/benchmark/staged.js';
import { createBatchNorm } from '../../src/index.js';
import { backwardStaged } from '../../src/reference/index.js';
import { inputsOf } from '../../src/verify/cases.js';
import { expected } from '../../src/verify/expected.js';
import { compareAll } from '../../src/verify/run.js';
import { blank, download, run, sharedDevice, takeErrors, upload } from './harness.js';

const device = await sharedDevice();

afterEach(() => expect(takeErrors()).toEqual([]));

async function setUp(rows: number, channels: number) {
  const inputs = inputsOf({ name: '', rows, channels, numbers: { runningVariance: 'biased' } }, rows);
  const bn = await createBatchNorm(device, { channels, modes: ['train'], runningVariance: 'biased' });
  const buffers = {
    x: upload(device, inputs.x), dy: upload(device, inputs.dy), gamma: upload(device, inputs.gamma!), saved: bn.createSaved(),
    dx: blank(device, rows * channels), dgamma: blank(device, channels), dbeta: blank(device, channels),
  };
  const others =
    { beta: upload(device, inputs.beta!), y: blank(device, rows * channels), runningMean: blank(device, channels), runningVar: blank(device, channels) };
  run(device, (pass) => bn.forward(pass, { ...others, x: buffers.x, gamma: buffers.gamma, saved: buffers.saved }, { rows }));
  const want = expected(inputs);
  const { dx, dgamma, dbeta } = backwardStaged({ x: inputs.x, dy: inputs.dy, gamma: inputs.gamma!, beta: inputs.beta! }, { rows, channels }, inputs.eps);
  Object.assign(want, { dx, dgamma, dbeta });
  const beyond = async () => {
    const got = { ...want, dx: await download(device, buffers.dx), dgamma: await download(device, buffers.dgamma),
      dbeta: await download(device, buffers.dbeta) };
    return compareAll(inputs, got, want, false).filter((comparison) => comparison.beyond > 0).map(
      ({ output, ratio, row, channel }) => ({ output, ratio, row, channel }),
    );
  };
  const dispose = () => {
    bn.dispose();
    for (const buffer of Object.values({ ...buffers, ...others })) buffer.destroy();
  };
  return { inputs, buffers, beyond, dispose };
}

// SwiftShader compiles the hardware class's 256 threads for seconds a shape.
const SHAPES = { hardware: [[1021, 67], [4096, 12]], software: [[64, 64], [1021, 67], [4096, 12], [1, 4], [3, 1], [16381, 3]] };

describe.each([['hardware', 'single'], ['hardware', 'split'], ['software', 'single'], ['software', 'split']] as const)('%s plan, %s', (adapterClass, kind) => {
  it.each(SHAPES[adapterClass] as [number, number][])('[%i, %i]', async (rows, channels) => {
    const { inputs, buffers, beyond, dispose } = await setUp(rows, channels);
    for (const [grain, matrices, kernels] of [['node', 16, 9], ['operation', 19, 12]] as const) {
      const staged = await createStagedBackward(device, { rows, channels }, buffers, adapterClass, kind, grain);
      const slotBytes = staged.bytes - 4 * channels * (matrices * rows + 14);
      expect(slotBytes % (32 * channels)).toBe(0);
      expect(staged.dispatches).toBe(slotBytes === 0 ? kernels : kernels + 4);
      for (const name of ['dx', 'dgamma', 'dbeta'] as const) {
        device.queue.writeBuffer(buffers[name], 0, new Float32Array(buffers[name].size / 4 - 16).fill(NaN));
      }
      for (let time = 0; time < 2; time++) { // the scratch is used again: a second run must find nothing of the first
        run(device, (pass) => {
          if (time === 0) staged.recordForward(pass);
          staged.record(pass);
        });
        expect(await beyond()).toEqual([]);
      }
      staged.dispose();
    }
    for (const input of ['x', 'dy', 'gamma'] as const) expect(await download(device, buffers[input])).toEqual(inputs[input]);
    dispose();
  });
});

describe('what must not pass', () => {
  it('control: without its forward, or with another gamma, the answers are beyond the bound', async () => {
    const { inputs, buffers, beyond, dispose } = await setUp(64, 64);
    const staged = await createStagedBackward(device, { rows: 64, channels: 64 }, buffers);
    run(device, (pass) => staged.record(pass));
    expect((await beyond()).map(({ output }) => output)).toEqual(expect.arrayContaining(['dx', 'dgamma']));
    device.queue.writeBuffer(buffers.gamma, 0, inputs.gamma!.map((value) => value * 1.0001) as Float32Array<ArrayBuffer>);
    run(device, (pass) => {
      staged.recordForward(pass);
      staged.record(pass);
    });
    expect((await beyond()).map(({ output }) => output)).toEqual(['dx']);
    staged.dispose();
    dispose();
  });

  it('a buffer that is too small is refused', async () => {
    const { buffers, dispose } = await setUp(64, 64);
    await expect(createStagedBackward(device, { rows: 128, channels: 64 }, buffers)).rejects.toThrow(/"x" is 16448 bytes, needs 32768/);
    dispose();
  });
});
