import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Unpacking, unpackOnce } from './unpack.js';

const NAME = '@sparticuz/chromium';

/** A headless Chromium with SwiftShader, a Vulkan loader, NSS and a font: all that a machine without any of them lacks. */
export interface PackagedChromium {
  version: string;
  folder: string;
  executablePath: string;
  /** What its processes need in their environment. */
  env: Record<string, string>;
}

/** Elsewhere it is installed all the same, for it tells npm of no platform, and does not run. */
const RUNS_HERE = process.platform === 'linux' && process.arch === 'x64';

/**
 * Fontconfig's description of the one font that the package brings. Without any the browser ends at the first text; the
 * package's own names folders that only its makers' machines have.
 */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="relative">fonts-cache</cachedir>
</fontconfig>
`;

/**
 * The Chromium of the npm package @sparticuz/chromium, unpacked beside it at the first call; null where the package is not
 * installed or is for another kind of machine.
 *
 * Of the package only the archives are used: its own code unpacks into the system's temporary folder, and its flags
 * put the browser and its pages into one process.
 *
 * @throws {Error} it cannot be unpacked; where, why, and what to do.
 */
export function packagedChromium(home = RUNS_HERE ? findPackage() : null, how: Pick<Unpacking, 'warn' | 'write'> = {}): PackagedChromium | null {
  if (!home) return null;
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string };
  const folder = join(home, '../../.cache/webgpu-batchnorm', `chromium-${version}`);
  try {
    unpackOnce({ archives: join(home, 'bin'), folder, texts: { 'fonts.conf': FONTS }, warn: (sentence) => console.warn(sentence), ...how });
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const remedy = REMEDIES[code] ?? 'Run npm ci';
    throw new Error(`The Chromium of the npm package ${NAME} ${version} could not be unpacked into ${folder} (${message}), needs 220 MB there. ` +
      `${remedy}, or set CHROMIUM_PATH to another Chromium.`);
  }
  return {
    version, folder,
    executablePath: join(folder, 'chromium'),
    env: {
      LD_LIBRARY_PATH: [join(folder, 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
      LC_ALL: 'en_US.UTF-8', // under C or POSIX its language is "en-US@posix", which its own Intl refuses
    },
  };
}

const NO_LEAVE = 'Give this user leave to write there';
const REMEDIES: Record<string, string> = { ENOSPC: 'Make room', EDQUOT: 'Make room', EACCES: NO_LEAVE, EPERM: NO_LEAVE, EROFS: 'Have it writable' };

/** The package's folder. Its exports hide its package.json. */
function findPackage(): string | null {
  try {
    return join(createRequire(import.meta.url).resolve(NAME), '../../..');
  } catch {
    return null;
  }
}
