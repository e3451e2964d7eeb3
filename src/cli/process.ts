/** Exits once what was printed has left: a pipe takes it in pieces. */
export function exit(status: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));
}

export function runtime(): string {
  const { deno } = process.versions as Record<string, string | undefined>;
  return deno ? `Deno ${deno}` : `Node ${process.versions.node}`;
}
