/** A file of an archive; its folders are those of its path. */
export interface TarFile {
  path: string;
  bytes: Buffer;
  executable: boolean;
}

const BLOCK = 512;

/**
 * The files of a tar archive (POSIX.1-1988 ustar). Folders go unlisted.
 *
 * @throws {Error} it ends too early, or has an entry of another kind: a link, a name longer than 100 bytes.
 */
export function readTar(archive: Buffer): TarFile[] {
  const files: TarFile[] = [];
  for (let at = 0; ; ) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.length < BLOCK) throw new Error(`the archive ends at byte ${archive.length}, within an entry`);
    if (header[0] === 0) return files; // the blocks of zeros that end it
    const text = (start: number, length: number) => header.toString('latin1', start, start + length).replace(/\0.*$/s, '');
    const path = text(0, 100), size = Number.parseInt(text(124, 12), 8), kind = text(156, 1);
    const bytes = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (kind === '0' || kind === '') {
      if (bytes.length !== size) throw new Error(`the archive ends within ${path}`);
      files.push({ path, bytes, executable: (Number.parseInt(text(100, 8), 8) & 0o100) !== 0 });
    } else if (kind !== '5') {
      throw new Error(`the archive has an entry of kind ${kind}, ${path}`);
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}
