import { it } from 'vitest';
import { writeFileSync } from 'node:fs';
import { createStagedBackward } from '../../src/benchmark/staged.js';
import { createBatchNorm } from '../../src/index.js';
import { inputsOf } from '../../src/verify/cases.js';
import { newDevice, run, upload, blank } from './harness.js';
it('time', async () => {
  const device = await newDevice();
  const codes: string[] = [];
  const orig = device.createShaderModule.bind(device);
  device.createShaderModule = ((d: any) => { if (/staged/.test(d.label)) codes.push(d.code); return orig(d); }) as any;
  const out: string[] = [];
  for (const [rows, channels] of [[256,64],[256,1024],[4096,256],[65536,64],[1000000,8],[100,3]] as any[]) {
    const i = inputsOf({ name: '', rows, channels }, 1);
    const bn = await createBatchNorm(device, { channels, modes: ['train'] });
    const [x, dy, dx, y] = [upload(device, i.x), upload(device, i.dy), blank(device, i.x.length), blank(device, i.x.length)];
    const [gamma, beta, dgamma, dbeta, runningMean, runningVar] = [i.gamma!, i.beta!, i.beta!, i.beta!, i.runningMean, i.runningVar].map((v) => upload(device, v));
    const saved = bn.createSaved(), b = { x, dy, gamma, saved, dx, dgamma, dbeta };
    const node = await createStagedBackward(device, { rows, channels }, b);
    const op = await createStagedBackward(device, { rows, channels }, b, undefined, undefined, 'operation');
    run(device, (p) => { bn.forward(p, { x, gamma, beta, y, saved, runningMean, runningVar }, { rows }); node.recordForward(p); op.recordForward(p); });
    const reps = Math.max(1, Math.round(1e6 / (rows * channels)));
    const time = async (f: (p: GPUComputePassEncoder) => void) => { const t = performance.now(); run(device, (p) => { for (let k = 0; k < reps; k++) f(p); }); await device.queue.onSubmittedWorkDone(); return (performance.now() - t) / reps; };
    const t: number[][] = [[], [], []];
    for (let k = 0; k < 8; k++) { t[0].push(await time((p) => node.record(p))); t[1].push(await time((p) => op.record(p))); t[2].push(await time((p) => bn.backward(p, b, { rows }))); }
    const [n, o, c] = t.map((v) => v.slice(1).sort((p, q) => p - q)[3]);
    out.push(`${rows}x${channels} dispatches ${node.dispatches}/${op.dispatches} node ${n.toFixed(3)} operation ${o.toFixed(3)} closed ${c.toFixed(3)} ratio ${(n / c).toFixed(2)} / ${(o / c).toFixed(2)}`);
    node.destroy(); op.destroy(); bn.destroy(); for (const u of [x, dy, dx, y]) u.destroy();
  }
  console.log(out.join('\n'));
  writeFileSync('/tmp/staged_codes.json', JSON.stringify(codes));
}, 300000);
