import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Linux counts a process's time in hundredths of a second, on every machine it runs on (sysconf(_SC_CLK_TCK)). */
const TICK = 0.01;
/** A tree that took no more than two ticks in so many milliseconds is quiet. */
const QUIET_MS = 400;
const QUIET_SECONDS = 2 * TICK;
/** Looks before a tree that is never quiet is taken as it is. */
const MOST_LOOKS = 25;

interface Stat {
  parent: number;
  /** Its own and that of children that have ended. */
  seconds: number;
}

/** Processor seconds that a process and all below it have taken. */
export function treeSeconds(root: number): number {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null;
    if (stat) stats.set(Number(name), stat);
  }
  const isBelow = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 0; at = stats.get(at)?.parent) if (at === root) return true;
    return false;
  };
  let sum = 0;
  for (const [pid, { seconds }] of stats) if (isBelow(pid)) sum += seconds;
  return sum;
}

/** The same, once the tree has come to rest. */
export async function quietSeconds(root: number): Promise<number> {
  let last = treeSeconds(root);
  for (let look = 0; look < MOST_LOOKS; look++) {
    await sleep(QUIET_MS);
    const now = treeSeconds(root);
    if (now - last <= QUIET_SECONDS) return now;
    last = now;
  }
  return last;
}

function statOf(pid: number): Stat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // it ended meanwhile
  }
  // pid (name) state ppid …: the name may hold anything, so fields count from its last parenthesis
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number) as [number, number, number, number];
  return { parent: Number(fields[1]), seconds: (user + system + childUser + childSystem) * TICK };
}
