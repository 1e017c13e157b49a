/** What `work` comes to, or undefined as soon as `signal` is aborted: what it does until then is of use to others, and its failure no longer anybody's. */
export async function unlessKilled<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  let stop = () => {};
  const killed = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work(), killed]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
