// Claim: a Chromium is found in a fixed order, and where there is none, or none that can be had, one sentence says it.
import { describe, expect, it } from 'vitest';
import { type Machine, findChromium } from '../../src/cli/chromium.js';

const PLAYWRIGHTS = '/home/someone/.cache/ms-playwright/chromium-1/chrome';
const PACKAGED = { version: '1.2.3', folder: '/packaged', executablePath: '/packaged/chromium', env: { LD_LIBRARY_PATH: '/packaged/lib' } };

/** A machine with these files alone. */
function machine(files: string[], env: Machine['env'] = {}, packaged: Machine['packaged'] = () => PACKAGED): Machine {
  return { env, exists: (path) => files.includes(path), packaged };
}

function unasked(): never {
  throw new Error('the npm package was asked for');
}

describe('the order', () => {
  const all = ['/own/chrome', '/usr/bin/chromium', '/usr/bin/google-chrome', PLAYWRIGHTS];

  it.each<[string, string, string[], Machine['env']]>([
    ['control: what CHROMIUM_PATH names', '/own/chrome', all, { CHROMIUM_PATH: '/own/chrome' }],
    ['the system’s', '/usr/bin/chromium', all, {}],
    ['another of the system’s', '/usr/bin/google-chrome', all.slice(2), { CHROMIUM_PATH: '' }],
    ['Playwright’s', PLAYWRIGHTS, [PLAYWRIGHTS], {}],
  ])('%s, and no package is unpacked', (_, path, files, env) => {
    const found = findChromium(PLAYWRIGHTS, 'software', machine(files, env, unasked))!;
    expect(found.browser.executablePath).toBe(path);
    expect(found.browser.env).toBeUndefined(); // this process's
  });

  it.each<[string, string[], Machine['env']]>([
    ['the npm package’s, where there is no other', [], { HOME: '/home/someone' }],
    ['the npm package’s before all others, when told', all, { HOME: '/home/someone', CHROMIUM_PATH: 'npm' }],
  ])('%s, with what it needs beside what is set', (_, files, env) => {
    const { browser, origin } = findChromium(PLAYWRIGHTS, 'software', machine(files, env))!;
    expect(browser.executablePath).toBe('/packaged/chromium');
    expect(browser.env).toEqual({ ...env, LD_LIBRARY_PATH: '/packaged/lib' });
    expect(origin).toBe('npm’s @sparticuz/chromium 1.2.3');
  });

  it('none', () => {
    expect(findChromium(PLAYWRIGHTS, 'software', machine([], {}, () => null))).toBeNull();
  });
});

describe('bad input', () => {
  it.each<[Machine['env'], string]>([
    [{ CHROMIUM_PATH: '/nowhere' }, 'CHROMIUM_PATH is "/nowhere", which does not exist, needs a Chromium. Correct or unset it.'],
    [{ CHROMIUM_PATH: 'npm' },
      'CHROMIUM_PATH is "npm", and the npm package @sparticuz/chromium is not there, needs it, on Linux on x64. Run npm ci, or unset it.'],
    [{ WEBGPU_ADAPTER: 'best' }, 'WEBGPU_ADAPTER is "best", needs "software" or "hardware".'],
  ])('%j', (env, message) => {
    expect(() => findChromium(PLAYWRIGHTS, 'software', machine(['/usr/bin/chromium'], env, () => null))).toThrow(new Error(message));
  });
});

it('the flags: SwiftShader for tests, the machine’s own adapter where it is asked for', () => {
  const flags = (adapter: 'software' | 'hardware', env = {}) => findChromium(PLAYWRIGHTS, adapter, machine([PLAYWRIGHTS], env))!.browser.args;
  const software = '--use-webgpu-adapter=swiftshader';
  expect(flags('software')).toContain(software);
  expect(flags('hardware')).not.toContain(software);
  expect(flags('software', { WEBGPU_ADAPTER: 'hardware' })).not.toContain(software);
  expect(flags('hardware', { WEBGPU_ADAPTER: 'software' })).toContain(software);
});
