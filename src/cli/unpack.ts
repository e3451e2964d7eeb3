import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { readTar } from './tar.js';

/** What an unpacked folder holds, written into it last: each archive's size, each file's, and whether it can be executed. */
interface Manifest {
  archives: Record<string, number>;
  files: Record<string, { size: number; executable: boolean }>;
}

const MANIFEST = 'manifest.json';
/** Then the process, the machine, and letters of its own. */
const UNPACKING = '.unpacking-';

export interface Unpacking {
  /** Folder of the archives: `name.br`, one executable, and `name.tar.br`, its files. */
  archives: string;
  /** Where their files go, side by side. */
  folder: string;
  /** Text files beside them, or in place of theirs. */
  texts: Record<string, string>;
  /** Hears why an unpacked folder is not taken. */
  warn?: (sentence: string) => void;
  /** Writes a file; `writeFileSync`. */
  write?: typeof writeFileSync;
}

/**
 * Unpacks archives once: a folder that is whole is left as it is, one that is not is replaced.
 *
 * The files are written into a folder beside it, which takes its name only when it is whole: a run that is killed leaves
 * none that could be mistaken, and of two at once either's is taken. The system's temporary folder is not used.
 *
 * @throws {Error} an archive cannot be read, or the folder cannot be written.
 */
export function unpackOnce({ archives, folder, texts, warn = () => {}, write = writeFileSync }: Unpacking): void {
  const damage = damageOf(folder, archives);
  if (damage === null) return;
  if (damage !== 'missing') warn(`${folder} is damaged (${damage}) and is unpacked again.`);
  const beside = dirname(folder);
  const own = join(beside, `${UNPACKING}${process.pid}-${hostname()}-${randomUUID()}`);
  try {
    mkdirSync(own, { recursive: true });
    removeAbandoned(beside);
    const manifest: Manifest = { archives: sizesOf(archives), files: {} };
    for (const archive of Object.keys(manifest.archives)) {
      for (const { path, bytes, executable } of filesOf(join(archives, archive))) put(path, bytes, executable);
    }
    for (const [path, text] of Object.entries(texts)) put(path, Buffer.from(text), false);
    write(join(own, MANIFEST), JSON.stringify(manifest));
    place(own, folder, archives);

    function put(path: string, bytes: Buffer, executable: boolean): void {
      mkdirSync(dirname(join(own, path)), { recursive: true });
      write(join(own, path), bytes, { mode: executable ? 0o755 : 0o644 });
      manifest.files[path] = { size: bytes.length, executable };
    }
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** Gives a whole folder its name, unless another run's has it. What is damaged goes. */
function place(own: string, folder: string, archives: string): void {
  for (;;) {
    try {
      return renameSync(own, folder);
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
    if (damageOf(folder, archives) === null) return;
    const aside = `${own}-aside`; // removed under this name: under its own another run could find half of it
    try {
      renameSync(folder, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // else another run was first
    }
    rmSync(aside, { recursive: true, force: true });
  }
}

/** What keeps a folder from being taken for whole: `'missing'`, a file that differs; null where nothing does. */
function damageOf(folder: string, archives: string): string | null {
  let manifest: Partial<Manifest>;
  try {
    statSync(folder);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : (error as Error).message;
  }
  try {
    manifest = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Partial<Manifest>;
  } catch {
    return `its ${MANIFEST} cannot be read`;
  }
  const sizes = sizesOf(archives);
  if (!manifest.files || JSON.stringify(manifest.archives) !== JSON.stringify(sizes)) return `its ${MANIFEST} names other archives`;
  for (const [path, { size, executable }] of Object.entries(manifest.files)) {
    const stat = statSync(join(folder, path), { throwIfNoEntry: false });
    if (!stat?.isFile()) return `${path} is missing`;
    if (stat.size !== size) return `${path} has ${stat.size} bytes, needs ${size}`;
    if (executable && process.platform !== 'win32' && (stat.mode & 0o100) === 0) return `${path} cannot be executed`;
  }
  return null;
}

function sizesOf(archives: string): Record<string, number> {
  const names = readdirSync(archives).filter((name) => name.endsWith('.br')).sort();
  return Object.fromEntries(names.map((name) => [name, statSync(join(archives, name)).size]));
}

function filesOf(archive: string) {
  try {
    const bytes = brotliDecompressSync(readFileSync(archive));
    return archive.endsWith('.tar.br') ? readTar(bytes) : [{ path: basename(archive, '.br'), bytes, executable: true }];
  } catch (error) {
    throw new Error(`${archive} is damaged: ${(error as Error).message}`);
  }
}

/** Removes what runs on this machine left that were killed while they unpacked. */
function removeAbandoned(beside: string): void {
  for (const name of readdirSync(beside)) {
    if (!name.startsWith(UNPACKING) || !name.includes(`-${hostname()}-`)) continue;
    const pid = Number.parseInt(name.slice(UNPACKING.length), 10);
    if (pid !== process.pid && !runs(pid)) rmSync(join(beside, name), { recursive: true, force: true });
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false; // else another user's
  }
  return !isZombie(pid);
}

/** Whether a process has ended and nobody has asked for its status yet, as in a container whose first process asks for none's. */
function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/s, ''));
  } catch {
    return false; // no such file on this system
  }
}
