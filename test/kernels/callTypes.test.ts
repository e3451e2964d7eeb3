// Claim: callTypes.ts compiles in TypeScript 5.9 as it does in the version of the house, every refusal of it included.
// Control: without one of them it does not.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const folder = `${root}test/artifacts/typescript-5.9/`;

function compile(text: string): string {
  writeFileSync(`${folder}callTypes.ts`, text.replace("'../../src/index.js'", "'../../../src/index.js'"));
  const project = { extends: '../../../tsconfig.json', include: [], files: ['callTypes.ts', '../../../src/wgsl.d.ts'] };
  writeFileSync(`${folder}tsconfig.json`, JSON.stringify(project));
  const { stdout } = spawnSync(process.execPath, [`${folder}node_modules/typescript/lib/tsc.js`, '-p', folder], { encoding: 'utf8' });
  return stdout;
}

test('TypeScript 5.9 says the same', { tags: ['long'] }, () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}package.json`, '{ "private": true }');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-save', 'typescript@5.9.3'], { cwd: folder });
  const text = readFileSync(`${root}test/kernels/callTypes.ts`, 'utf8');
  expect(compile(text)).toBe('');
  expect(compile(text.replace('// @ts-expect-error half the running pair', ''))).toMatch(/runningVar/);
});
