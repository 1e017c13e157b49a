import { InvalidArgumentError, Option } from 'commander';

/** What may be left out for once. `image`: that somebody who is trusted has signed it. */
export const insecureFlag = (): Option =>
  new Option(
    '--insecure-options <what>',
    'image: take what nobody signed, whatever policy.json and the trusted keys ask for',
  ).argParser((text: string) => {
    if (text === 'image') return text;
    throw new InvalidArgumentError('It is image.');
  });

/** For library calls. */
export function insecure(flags: object): { insecure: boolean } {
  return { insecure: 'insecureOptions' in flags && flags.insecureOptions === 'image' };
}
