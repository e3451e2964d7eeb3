// Claim: a Firefox that is missing, does not start or is too old is one sentence that says what was tried and what to do.
// Control: FIREFOX_PATH goes before the system's, and Debian's before others.
import { expect, test } from 'vitest';
import { type Machine, findFirefox } from './firefox.js';

const machine = (answers: Record<string, string>, env: Machine['env'] = {}): Machine => ({
  env,
  exists: (path) => path in answers,
  ask: (path) => {
    if (answers[path] === 'broken') throw new Error('spawn ENOEXEC');
    return answers[path]!;
  },
});

const [ESR, OTHER] = ['/usr/bin/firefox-esr', '/opt/fox'];
const OLD = 'Mozilla Firefox 140.5.0esr\n';
const NEW = 'Mozilla Firefox 153.8.0esr\n';

test('control: what FIREFOX_PATH names, else the system’s first', () => {
  expect(findFirefox(machine({ [ESR]: NEW, '/usr/bin/firefox': 'Mozilla Firefox 160.0' }))).toEqual({ executablePath: ESR, version: '153.8.0esr' });
  const both = machine({ [ESR]: NEW, [OTHER]: 'Mozilla Firefox 141.0' }, { FIREFOX_PATH: OTHER });
  expect(findFirefox(both)).toEqual({ executablePath: OTHER, version: '141.0' });
});

const NEEDED = 'needs a Firefox of 141 or later';
const TO_DO = 'Install it with a Vulkan driver (Debian: apt-get install firefox-esr mesa-vulkan-drivers libvulkan1), or set FIREFOX_PATH.';

test.each<[string, Machine, string]>([
  ['none', machine({}), 'FIREFOX_PATH is not set and there is no /usr/bin/firefox-esr, /usr/bin/firefox, '],
  ['not where it is said to be', machine({ [ESR]: NEW }, { FIREFOX_PATH: OTHER }), `FIREFOX_PATH is "/opt/fox", which does not exist, ${NEEDED}. Correct`],
  ['broken', machine({ [ESR]: 'broken' }), `"${ESR} --version" failed (spawn ENOEXEC), ${NEEDED}. ${TO_DO}`],
  ['too old', machine({ [ESR]: OLD }), `"${ESR} --version" says "${OLD.trim()}", ${NEEDED} (the first with WebGPU). ${TO_DO}`],
  ['no Firefox', machine({ [ESR]: 'Chromium 156' }), `"${ESR} --version" says "Chromium 156", ${NEEDED}`],
])('%s', (_, given, message) => expect(() => findFirefox(given)).toThrow(`test:firefox: ${message}`));

test('none: what to do', () => expect(() => findFirefox(machine({}))).toThrow(`${NEEDED}. ${TO_DO}`));
