// Claim: the built command runs by plain `node`, on Dawn or the CPU, says which, and its exit status is the outcome.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';

const folder = new URL('../artifacts/cli/', import.meta.url).pathname;
const root = new URL('../../', import.meta.url).pathname;
/** What ends a command that hangs. */
const HUNG = { timeout: 300_000, killSignal: 'SIGKILL' } as const;

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  execFileSync(process.execPath,
    ['node_modules/vite/bin/vite.js', 'build', '--mode', 'cli', '--outDir', `${folder}built`, '--emptyOutDir', '--logLevel', 'warn'], { cwd: root });
  writeFileSync(`${folder}good.csv`, 'height,weight,kind\n1.5,60,a\n1.8,80,b\n1.7,75,a\n1.6,50,b\n');
  writeFileSync(`${folder}good.csv.gz`, gzipSync('height,weight\n1.5,60\n1.8,80\n1.7,75\n'));
  writeFileSync(`${folder}images.csv`, 'a,b,c,d,e,f\n1,2,3,10,20,30\n4,5,6,10,20,30\n');
  writeFileSync(`${folder}said.csv`, 'id;0;1;name;kind\n7;1,5;1;x;a\n3;2,5;2;y;b\n9;-999;5;z;a\n4;3,5;4;w;b\n');
  writeFileSync(`${folder}asks.csv`, '0,1,2\n1,5,3\n2,2,2\n');
  writeFileSync(`${folder}bad.csv`, 'height,weight\n1.5,60\n1.8,heavy\n');
});

function verify(args: string[], env: Record<string, string> = {}): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [`${folder}built/verify.js`, ...args], { cwd: folder, env: { ...process.env, ...env }, maxBuffer: 2 ** 26, ...HUNG },
      (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe('self-test', () => {
  it('control: on the CPU', async () => {
    const { status, stdout } = await verify(['--backend', 'cpu', '--filter', 'small and odd']);
    expect(status).toBe(0);
    expect(stdout).toContain('backend: cpu. The CPU was asked for.');
    expect(stdout).toMatch(/ok +100×3 +small and odd +second implementation +0\.\d+/);
    expect(stdout).toContain('1 passed, 0 failed');
  });

  it('on a device of feature level compatibility, with its 128 invocations', async () => {
    const { status, stdout } = await verify(['--compatibility', '--filter', 'small and odd']);
    expect(status).toBe(0);
    expect(stdout).toContain('level: compatibility, 128 invocations a workgroup');
    expect(stdout).toContain('1 passed, 0 failed');
  });

  it('on Dawn, naming adapter and versions', async () => {
    const { status, stdout, stderr } = await verify(['--backend', 'gpu', '--filter', 'small and odd']);
    expect(stderr + stdout).toMatch(/engine: Dawn \(npm webgpu \d+\.\d+\.\d+\)/);
    expect(stdout).toMatch(/adapter: \S+/);
    expect(stdout).toMatch(/ok +100×3 +small and odd +reference/);
    expect(status).toBe(0);
  });

  it('JSON alone on standard output', async () => {
    const { status, stdout } = await verify(['--backend', 'cpu', '--filter', 'two rows', '--json', '--seed', '7']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ backend: 'cpu', seed: 7, passed: 3, failed: 0, environment: { runtime: `Node ${process.versions.node}` } });
  });

  it('JSON longer than a pipe holds arrives whole', async () => {
    const command = `"${process.execPath}" built/verify.js --backend cpu --filter PyTorch --json | (sleep 1; cat)`;
    const printed = await new Promise<string>((resolve, reject) => {
      execFile('/bin/sh', ['-c', command], { cwd: folder, maxBuffer: 2 ** 26, ...HUNG }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
    });
    expect(printed.length).toBeGreaterThan(70_000);
    expect(JSON.parse(printed)).toMatchObject({ passed: 12 });
  });

  it('without an adapter: the CPU, and it says so; or, told gpu, status 2', async () => {
    const none = { VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' };
    const fallen = await verify(['--filter', 'one value'], none);
    expect(fallen.status).toBe(0);
    expect(fallen.stderr).toContain('The CPU runs instead. The Vulkan driver that was set (/nowhere.json) gives no adapter.');
    expect(fallen.stdout).toContain('backend: cpu.');
    const told = await verify(['--backend', 'gpu'], none);
    expect(told.status).toBe(2);
    expect(told.stderr).toContain('verify: "--backend" is gpu, and there is none. The Vulkan driver that was set');
  });
});

describe('a matrix of one’s own', () => {
  it.each([['good.csv', ['--label', 'kind']], ['good.csv', ['--label', '2']], ['good.csv.gz', []]])('%s %j', async (file, more) => {
    const { status, stdout } = await verify(['--backend', 'cpu', '--input', file, ...more]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/height +1\.6/);
    expect(stdout).toMatch(/\nweight +(66\.25|71\.6667) /);
    expect(stdout).toContain('Every output is within its bound.');
  });

  it('channels-first: columns are channels · spatial', async () => {
    const first = ['--backend', 'cpu', '--input', 'images.csv', '--layout', 'channelsFirst', '--spatial', '3'];
    const { status, stdout } = await verify(first);
    expect(status).toBe(0);
    expect(stdout).toContain('matrix: [2, 2, 3], channels-first, 6 rows × 2 channels;');
    expect(stdout).toMatch(/\nchannel +mean .*\n.*\n +0 +3\.5 +1\.70783 +1 +6 .*\n +1 +20 +8\.16497 +10 +30 /);
    expect(stdout).toContain('Every output is within its bound.');
    const json = JSON.parse((await verify([...first, '--json'])).stdout) as { columns: object[] };
    expect(json).toMatchObject({ layout: 'channelsFirst', rows: 6, channels: 2, spatial: 3, passed: true });
    expect(json.columns).toMatchObject([{ name: '0', mean: 3.5, minimum: 1, maximum: 6 }, { name: '1', mean: 20 }]);
  });

  it('channels-first with spatial 1 is channels-last, names and all', async () => {
    const of = async (layout: string[]) =>
      (JSON.parse((await verify(['--backend', 'cpu', '--input', 'images.csv', '--json', ...layout])).stdout) as { columns: object }).columns;
    expect(await of(['--layout', 'channelsFirst', '--spatial', '1'])).toEqual(await of(['--layout', 'channelsLast']));
  });

  it('what the file does not say is said by flags, and what was taken for what is printed', async () => {
    const flags = ['--header', 'yes', '--separator', 'semicolon', '--decimal', 'comma', '--missing', 'mean', '--missing-word=-999', '--text', 'drop', '--omit',
      'id', '--label=-1'];
    const { status, stdout } = await verify(['--backend', 'cpu', '--input', 'said.csv', ...flags]);
    expect(stdout).toMatch(/matrix: 4 rows × 2 channels/);
    expect(stdout).toMatch(/\n *0 +2\.5 /); // the mean of 1,5 2,5 3,5 and of what is missing
    expect(stdout).toContain('read: 1 missing value of column 2 ("0") is its mean, 2.5.');
    expect(status).toBe(0);
  });

  it('as JSON', async () => {
    const { stdout } = await verify(['--backend', 'cpu', '--input', 'good.csv.gz', '--json']);
    expect(JSON.parse(stdout)).toMatchObject(
      { rows: 3, channels: 2, passed: true, columns: [{ name: 'height' }, { name: 'weight', minimum: 60, maximum: 80 }] },
    );
  });
});

describe('bad input: status 2 and one sentence', () => {
  it.each<[string[], string]>([
    [['--backend', 'tpu'], 'verify: "--backend" is tpu, needs gpu or cpu.'],
    [['--seed=-1'], 'verify: "--seed" is -1, needs an integer of at least 0.'],
    [['--seed', '1.5'], 'verify: "--seed" is 1.5, needs an integer of at least 0.'],
    [['--fast'], "Unknown option '--fast'"],
    [['--backend', 'cpu', '--filter', 'no such row'], 'verify: "--filter" is no such row, needs a part of a row\'s name.'],
    [['--label', 'kind'], 'verify: "--label" is given without --input'],
    [['--compatibility', '--backend', 'cpu'], 'verify: "--compatibility" is given with --backend cpu, needs the GPU. Leave one out.'],
    [['--layout', 'channelsFirst', '--spatial', '2'], 'verify: "--layout" is given without --input'],
    [['--input', 'images.csv', '--layout', 'NCHW'], 'verify: "--layout" is NCHW, needs channelsLast or channelsFirst.'],
    [['--input', 'images.csv', '--layout', 'channelsFirst'], 'verify: "--layout" is channelsFirst without --spatial, needs both. Add it.'],
    [['--input', 'images.csv', '--spatial', '3'], 'verify: "--spatial" is given without --layout channelsFirst, needs both. Add it.'],
    [['--input', 'images.csv', '--layout', 'channelsFirst', '--spatial', '0'], 'verify: "--spatial" is 0, needs an integer of at least 1.'],
    [['--input', 'images.csv', '--layout', 'channelsFirst', '--spatial', '4'],
      'verifyOwn: "spatial" is 4, needs a divisor of 6 (the columns of the table are channels · spatial).'],
    [['--input', 'good.csv', '--filter', 'x'], 'verify: "--filter" is given with --input'],
    [['--input', 'missing.csv'], 'verify: "--input" is missing.csv, which cannot be read (ENOENT), needs a file. Check the path.'],
    [['--input', 'bad.csv'], 'readTable: "bad.csv" line 3, column 2 is "heavy", needs a number'],
    [['--header', 'yes'], 'verify: "--header" is given without --input'],
    [['--input', 'good.csv', '--header', 'maybe'], 'verify: "--header" is maybe, needs one of yes, no'],
    [['--input', 'good.csv', '--omit', 'size'], 'readTable: "omit" is "size", needs one of "height", "weight", "kind" (the header of "good.csv"). Give one ' +
      'of these, or an index from 0. Here: --omit'],
    [['--input', 'asks.csv'], 'readTable: "asks.csv" line 1 has the numbers "0", "1", "2", needs to be told whether they name the columns or are data. ' +
      'Give "header": true or false. Here: --header'],
    [['--input', 'good.csv'], 'readTable: "good.csv" line 2, column 3 is "a", needs a number'],
  ])('%j', async (args, message) => {
    const { status, stdout, stderr } = await verify(args);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
    expect(stdout).not.toContain('passed');
  });

  it('--help', async () => {
    const { status, stdout } = await verify(['--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('Usage: npm run verify');
  });
});
