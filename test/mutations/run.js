// Breaks ten lines of a copy of the repository, one at a time, and runs the suite that owns each: green before, red after.
// `node test/mutations/run.js [TEXT]` takes those whose description has TEXT.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LINES } from './lines.js';

const ROOT = join(import.meta.dirname, '../..');
const chosen = LINES.filter(({ what }) => what.includes(process.argv[2] ?? ''));
if (chosen.length === 0) {
  throw new Error(`mutations: "${process.argv[2]}" is in no description, needs a part of one:\n${LINES.map(({ what }) => what).join('\n')}`);
}

const copy = mkdtempSync(join(tmpdir(), 'webgpu-batchnorm-broken-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean);
for (const file of files) {
  mkdirSync(dirname(join(copy, file)), { recursive: true });
  cpSync(join(ROOT, file), join(copy, file));
}
symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));

/** The one file under a folder that has a line, once. */
function fileWith(folder, line) {
  const paths = readdirSync(join(copy, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(copy, folder, name));
  const places = paths.filter((path) => statSync(path).isFile())
    .flatMap((path) => Array(readFileSync(path, 'utf8').split(line).length - 1).fill(path));
  if (places.length !== 1) {
    throw new Error(`mutations: "${line}" stands ${places.length} times under ${folder}, needs to be there once. Correct test/mutations/lines.js.`);
  }
  return places[0];
}

/** Whether a suite passes; throws where it ran no test. */
function passes(suite) {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', '--outputFile=broken.json', ...suite];
  rmSync(join(copy, 'broken.json'), { force: true });
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8', maxBuffer: 2 ** 28 });
  try {
    const { numPassedTests, numFailedTests, success } = JSON.parse(readFileSync(join(copy, 'broken.json'), 'utf8'));
    if (numPassedTests + numFailedTests === 0) throw new Error('no test');
    return { passed: success, words: `${numPassedTests} passed, ${numFailedTests} failed` };
  } catch (cause) {
    throw new Error(`mutations: vitest run ${suite.join(' ')} ran no test.\n${stdout}${stderr}`, { cause });
  }
}

const places = chosen.map(({ under, line }) => fileWith(under, line)); // all, before the first suite takes its time
const sound = new Map();
let wrong = 0;
for (const [i, { what, line, instead, suite }] of chosen.entries()) {
  const key = suite.join(' ');
  if (!sound.has(key)) sound.set(key, passes(suite));
  const before = sound.get(key);
  const text = readFileSync(places[i], 'utf8');
  writeFileSync(places[i], text.replace(line, () => instead));
  const after = passes(suite);
  writeFileSync(places[i], text);
  const good = before.passed && !after.passed;
  if (!good) wrong++;
  console.log(`${good ? 'red, as it must be' : before.passed ? 'STAYED GREEN' : 'RED BEFORE'}: ${what} (${key}: ${before.words}; broken: ${after.words})`);
}
console.log(`${chosen.length - wrong} of ${chosen.length} broken lines turned their suite red.`);
process.exitCode = wrong > 0 ? 1 : 0;
