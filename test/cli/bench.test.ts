// Claim: the built benchmark runs by plain `node`, counts without a GPU, and refuses what it does not know.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';

const folder = new URL('../artifacts/bench/', import.meta.url).pathname;
const root = new URL('../../', import.meta.url).pathname;

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  execFileSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--mode', 'cli', '--outDir', `${folder}built`, '--emptyOutDir', '--logLevel', 'warn'], { cwd: root });
}, 60_000);

function bench(args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [`${folder}built/bench.js`, ...args], { cwd: folder, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe('bench', () => {
  it('control: one shape, as a table, JSON and Markdown', async () => {
    const table = await bench(['--shapes', '[256, 64]', '--samples', '1', '--markdown', 'out.md']);
    expect(table.stderr).not.toContain('bench:');
    expect(table.status).toBe(0);
    expect(table.stdout).toMatch(/forward +\d/);
    expect(readFileSync(`${folder}out.md`, 'utf8')).toContain('## [256, 64]');
    const { stdout } = await bench(['--shapes', '[100, 3]', '--samples', '1', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ samples: 1, shapes: [{ shape: '[100, 3]', elements: 300 }] });
  });

  it('counts without a GPU', async () => {
    const { status, stdout } = await bench(['--count', '--shapes', '1000000']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/\[1000000, 8\] +hardware +split +3 \/ 3 \/ 1 +977, 1954/);
  });

  it.each<[string[], string]>([
    [['--plan', 'best'], 'bench: "--plan" is best, needs single or split.'],
    [['--samples', '0'], 'bench: "--samples" is 0, needs an integer from 1 to 9999.'],
    [['--shapes', '[7, 7]'], 'bench: "--shapes" is [7, 7], needs a part of one of [256, 64], [256, 1024]'],
    [['--quick'], "Unknown option '--quick'"],
  ])('%j: status 2 and one sentence', async (args, message) => {
    const { status, stderr } = await bench(args);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });
});
