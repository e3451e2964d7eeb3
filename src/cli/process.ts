/** Milliseconds in which V8's background compiler is done with what it has begun. */
const SETTLED = 150;

/**
 * Exits once what was printed has left (a pipe takes it in pieces), and V8's compiler has come to rest.
 *
 * At its end Node 20 joins the compiler's threads; one that just then waits for the main thread to collect garbage waits
 * forever (nodejs/node#54918). While the main thread waits in its event loop instead, it collects.
 */
export function exit(status: number): void {
  setTimeout(() => process.stdout.write('', () => process.stderr.write('', () => process.exit(status))), SETTLED);
}

export function runtime(): string {
  const { deno } = process.versions as Record<string, string | undefined>;
  return deno ? `Deno ${deno}` : `Node ${process.versions.node}`;
}
