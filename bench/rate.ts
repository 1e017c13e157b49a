import { time } from './rounds.js';

/** Launches a second of launchers that work at the same time, each launching that many containers one after the other. */
export async function rateOf(
  launchers: readonly { launch(): Promise<void> }[],
  each: number,
): Promise<number> {
  const milliseconds = await time(() =>
    Promise.all(
      launchers.map(async (launcher) => {
        for (let i = 0; i < each; i++) await launcher.launch();
      }),
    ),
  );
  return (launchers.length * each * 1000) / milliseconds;
}
