/**
 * Milliseconds for which the event loop was blocked at most while `act` ran: the longest time between two turns of a loop that
 * always has something to do. A timer, as monitorEventLoopDelay uses, would see nothing below its own resolution of 1 ms.
 */
export async function longestStall(act: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let running = true;
  const note = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const turn = (): void => {
    note();
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await new Promise((resolve) => setImmediate(resolve));
  longest = 0;
  try {
    await act();
  } finally {
    note();
    running = false;
  }
  return longest;
}
