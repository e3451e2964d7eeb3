// Claim: the npm package's Chromium is unpacked once and whole: by one run, by two, after one that was killed, over one that
// is damaged; and what keeps it from that is one sentence.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packagedChromium } from '../../src/cli/packagedChromium.js';

const LIBRARIES = 'libraries.tar.br';

let root: string, home: string, cache: string, folder: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'webgpu-batchnorm-packaged-'));
  home = join(root, 'node_modules/@sparticuz/chromium');
  cache = join(root, 'node_modules/.cache/webgpu-batchnorm');
  folder = join(cache, 'chromium-1.2.3');
  mkdirSync(join(home, 'bin'), { recursive: true });
  writeFileSync(join(home, 'package.json'), '{ "version": "1.2.3" }');
  archive('chromium.br', Buffer.from('the browser'));
  archive(LIBRARIES, tar([
    ['lib/', '', '5'], ['lib/libnss3.so', 'a library', '0', '755'], ['lib/libnss3.chk', 'a digest'], ['fonts.conf', 'of elsewhere'],
  ]));
});

afterEach(() => rmSync(root, { recursive: true }));

function archive(name: string, bytes: Buffer): void {
  writeFileSync(join(home, 'bin', name), brotliCompressSync(bytes));
}

/** A ustar archive of [path, content, kind, mode]. */
function tar(entries: [string, string, string?, string?][]): Buffer {
  const blocks = entries.flatMap(([path, content, kind = '0', mode = '644']) => {
    const header = Buffer.alloc(512);
    header.write(path, 0);
    header.write(mode.padStart(7, '0'), 100);
    header.write(content.length.toString(8).padStart(11, '0'), 124);
    header.write(kind, 156);
    return [header, Buffer.alloc(Math.ceil(content.length / 512) * 512, content.padEnd(Math.ceil(content.length / 512) * 512, '\0'))];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const warnings: string[] = [];
const warn = (sentence: string) => void warnings.push(sentence);
beforeEach(() => void warnings.splice(0));

function expectWhole(): void {
  const text = (path: string) => readFileSync(join(folder, path), 'utf8');
  expect([text('chromium'), text('lib/libnss3.so'), text('lib/libnss3.chk')]).toEqual(['the browser', 'a library', 'a digest']);
  expect(statSync(join(folder, 'chromium')).mode & 0o777).toBe(0o755);
  expect(statSync(join(folder, 'lib/libnss3.so')).mode & 0o111).toBe(0o111);
  expect(statSync(join(folder, 'lib/libnss3.chk')).mode & 0o111).toBe(0);
  expect(readdirSync(cache)).toEqual(['chromium-1.2.3']);
}

/** Writes as Node does, and before a file whose path contains the text does something else. */
function writeAfter(path: string, then: () => void): typeof writeFileSync {
  return (file, ...rest) => {
    if (String(file).includes(path)) then();
    writeFileSync(file, ...rest);
  };
}

describe('unpacking', () => {
  it('control: every file, with what its processes need', () => {
    expect(packagedChromium(home, { warn })).toEqual({
      version: '1.2.3', folder, executablePath: join(folder, 'chromium'),
      env: {
        LD_LIBRARY_PATH: [join(folder, 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
        FONTCONFIG_FILE: join(folder, 'fonts.conf'), LC_ALL: 'en_US.UTF-8',
      },
    });
    expectWhole();
    expect(readFileSync(join(folder, 'fonts.conf'), 'utf8')).toContain('<dir prefix="relative">fonts</dir>');
    expect(warnings).toEqual([]);
  });

  it('a second time it is left as it is', () => {
    packagedChromium(home, { warn });
    packagedChromium(home, { warn, write: () => expect.unreachable() });
    writeFileSync(join(folder, 'a file of the browser’s'), ''); // Chromium and Fontconfig make some there
    packagedChromium(home, { warn, write: () => expect.unreachable() });
    expect(warnings).toEqual([]);
  });

  it('where there is no package there is no Chromium', () => {
    expect(packagedChromium(null)).toBeNull();
  });

  it.each([
    ['none', () => {}],
    ['a damaged one', () => truncateSync(join(folder, 'chromium'), 3)],
  ])('two at once, over %s: the later takes the other’s', (over, damage) => {
    if (over !== 'none') packagedChromium(home, { warn });
    damage();
    let taken = 0;
    const other = () => {
      packagedChromium(home, { warn });
      taken = statSync(join(folder, 'chromium')).ino;
    };
    packagedChromium(home, { warn, write: writeAfter('manifest', other) });
    expectWhole();
    expect(statSync(join(folder, 'chromium')).ino).toBe(taken);
  });

  it('what a killed run left is not taken, and goes; what belongs to one that runs stays', () => {
    const dead = spawnSync(process.execPath, ['--version']).pid;
    const [left, others] = [`.unpacking-${dead}-${hostname()}-a`, `.unpacking-${process.ppid}-${hostname()}-b`];
    for (const name of [left, others, `.unpacking-${dead}-another-machine-c`]) {
      mkdirSync(join(cache, name), { recursive: true });
      writeFileSync(join(cache, name, 'chromium'), 'the bro');
    }
    packagedChromium(home, { warn });
    expect(readdirSync(cache).sort()).toEqual([`.unpacking-${dead}-another-machine-c`, others, 'chromium-1.2.3'].sort());
  });

  it.runIf(process.platform === 'linux')('one that was killed runs no more, even where nobody has asked for its status', async () => {
    const parent = spawn('/bin/sh', ['-c', '(exit) & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
      const left = `.unpacking-${pid}-${hostname()}-a`;
      mkdirSync(join(cache, left), { recursive: true });
      await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'latin1')).toContain(') Z ');
      packagedChromium(home, { warn });
      expect(readdirSync(cache)).toEqual(['chromium-1.2.3']);
    } finally {
      parent.kill('SIGKILL');
      await once(parent, 'exit');
    }
  });

  it.each<[string, string, (folder: string) => void]>([
    ['a shorter file', 'lib/libnss3.so has 3 bytes, needs 9', (folder) => truncateSync(join(folder, 'lib/libnss3.so'), 3)],
    ['a missing file', 'chromium is missing', (folder) => rmSync(join(folder, 'chromium'))],
    ['a program that is none', 'chromium cannot be executed', (folder) => chmodSync(join(folder, 'chromium'), 0o644)],
    ['no manifest', 'its manifest.json cannot be read', (folder) => rmSync(join(folder, 'manifest.json'))],
    ['half a manifest', 'its manifest.json cannot be read', (folder) => truncateSync(join(folder, 'manifest.json'), 20)],
    ['an empty manifest', 'its manifest.json names other archives', (folder) => writeFileSync(join(folder, 'manifest.json'), '{}')],
    ['a file in its place', 'its manifest.json cannot be read', (folder) => { rmSync(folder, { recursive: true }); writeFileSync(folder, ''); }],
  ])('damaged: %s', (_, why, damage) => {
    packagedChromium(home, { warn });
    damage(folder);
    packagedChromium(home, { warn });
    expect(warnings).toEqual([`${folder} is damaged (${why}) and is unpacked again.`]);
    expectWhole();
  });

  it('of another package with the same version', () => {
    packagedChromium(home, { warn });
    archive('chromium.br', Buffer.from('another browser'));
    packagedChromium(home, { warn });
    expect(readFileSync(join(folder, 'chromium'), 'utf8')).toBe('another browser');
  });
});

describe('bad input: one sentence, and nothing is left', () => {
  const refusal = (why: string, remedy: string) => new Error(
    `The Chromium of the npm package @sparticuz/chromium 1.2.3 could not be unpacked into ${folder} (${why}), needs 220 MB there. ` +
      `${remedy}, or set CHROMIUM_PATH to another Chromium.`,
  );

  it.each([
    ['ENOSPC', 'no space left on device', 'Make room'],
    ['EACCES', 'permission denied', 'Give this user leave to write there'],
    ['EROFS', 'read-only file system', 'Have it writable'],
  ])('%s', (code, words, remedy) => {
    const write = writeAfter('libnss3.so', () => { throw Object.assign(new Error(`${code}: ${words}, write`), { code }); });
    expect(() => packagedChromium(home, { write })).toThrow(refusal(`${code}: ${words}, write`, remedy));
    expect(readdirSync(cache)).toEqual([]);
  });

  it('no room over a damaged one: that stays what it is', () => {
    packagedChromium(home, { warn });
    truncateSync(join(folder, 'chromium'), 3);
    expect(() => packagedChromium(home, { warn, write: writeAfter('libnss3.so', () => { throw new Error('no'); }) })).toThrow('could not be unpacked');
    expect(readdirSync(cache)).toEqual(['chromium-1.2.3']);
    packagedChromium(home, { warn });
    expectWhole();
  });

  it.each<[string, () => void, RegExp]>([
    ['an archive cut short', () => truncateSync(join(home, 'bin', LIBRARIES), 40), /libraries\.tar\.br is damaged: .+\), needs 220 MB there\. Run npm ci, or/],
    ['an archive that ends within a file', () => archive(LIBRARIES, tar([['a', 'x'.repeat(600)]]).subarray(0, 700)), /is damaged: the archive ends within a\)/],
    ['an archive that ends within a header',
      () => archive(LIBRARIES, tar([['a', 'x']]).subarray(0, 1100)), /is damaged: the archive ends at byte 1100, within an entry\)/],
    ['a link in an archive', () => archive(LIBRARIES, tar([['a', '', '2']])), /is damaged: the archive has an entry of kind 2, a\)/],
  ])('%s', (_, spoil, message) => {
    spoil();
    expect(() => packagedChromium(home)).toThrow(message);
    expect(existsSync(folder)).toBe(false);
    expect(readdirSync(cache)).toEqual([]);
  });
});
