import { fromHere } from "$lib/addresses.ts";
import { type Clock, deadline, unlessAborted } from "$lib/clock.ts";

/** What watching takes. */
export interface ListenerWatchParts {
  readonly clock: Clock;
  /** Hears once that nobody is answered any more. */
  readonly onSilent: () => void;
}

const INTERVAL_MS = 5_000;
const SILENCE_MAX_MS = 5_000;
const SILENCES_MAX = 2;
/** No TLS record begins so: whoever accepts it answers with an alert, or hangs up. */
const NONSENSE = new Uint8Array(8);

/**
 * Connects to a TLS listener of this process again and again. Servers of Node.js under Deno accept nobody any more, and
 * say nothing, once the process had as many files open as it may: only who tries finds out.
 *
 * @returns Ends it.
 */
export function watchListener(listening: Deno.NetAddr, { clock, onSilent }: ListenerWatchParts): () => void {
  const address = fromHere(listening);
  let silences = 0;
  let isOver = false;
  let cancel = clock.after(INTERVAL_MS, look);

  async function look(): Promise<void> {
    silences = await isSilent(address, clock) ? silences + 1 : 0;
    if (isOver) return;
    if (silences >= SILENCES_MAX) return onSilent();
    cancel = clock.after(INTERVAL_MS, look);
  }

  return () => {
    isOver = true;
    cancel();
  };
}

/** Whether a connection is neither answered nor ended; one that can't be made says nothing of who would accept it. */
async function isSilent(address: Deno.ConnectOptions, clock: Clock): Promise<boolean> {
  using limit = deadline(clock, SILENCE_MAX_MS);
  try {
    using connection = await Deno.connect({ ...address, signal: limit.signal });
    await connection.write(NONSENSE);
    await unlessAborted(connection.read(new Uint8Array(1)), limit.signal);
    return false;
  } catch {
    return limit.signal.aborted;
  }
}
