/** Milliseconds that an ended command is given to end by itself. */
const GRACE = 2000;

/**
 * Lets the process end with a status, once what was printed has left (a pipe takes it in pieces).
 *
 * process.exit() at once would now and then never return: Node 20's joins the compiler's threads, one of which may wait for the
 * main thread to collect garbage. What still holds the process after the grace (a device that was lost) is left behind.
 */
export function exit(status: number): void {
  process.exitCode = status;
  setTimeout(() => process.exit(status), GRACE).unref();
}

export function runtime(): string {
  const { deno } = process.versions as Record<string, string | undefined>;
  return deno ? `Deno ${deno}` : `Node ${process.versions.node}`;
}
