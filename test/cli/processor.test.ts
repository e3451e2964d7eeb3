// Claim: a tree's processor time has its children's, also of those that have ended, and comes to rest when they do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { quietSeconds, treeSeconds } from '../../src/cli/processor.js';

const burn = 'const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end);'; // 0.3 s
const wait = 'setTimeout(() => {}, 60_000);';
const run = (code: string) => spawn(process.execPath, ['-e', code]);

it('control: a process that waits, beside one whose child works', async () => {
  if (process.platform !== 'linux') return expect(() => treeSeconds(process.pid)).toThrow(/\S/); // and bench says so
  const idle = run(wait);
  const busy = run(`require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(burn)}]); process.stdout.write('done'); ${wait}`);
  try {
    await once(busy.stdout, 'data');
    const [of, own] = [await quietSeconds(idle.pid!), await quietSeconds(busy.pid!)];
    expect(own - of).toBeGreaterThan(0.25);
    expect(treeSeconds(process.pid)).toBeGreaterThan(own); // above both
    expect(treeSeconds(busy.pid!) - own).toBeLessThan(0.1);
  } finally {
    idle.kill();
    busy.kill();
  }
});
