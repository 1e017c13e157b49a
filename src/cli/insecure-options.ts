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

export const policyFlag = (): Option =>
  new Option(
    '--signature-policy <file>',
    'judge images by this policy instead of policy.json in the usual places',
  );

/** For library calls. */
export function insecure(flags: object): { insecure: boolean; policyFile?: string } {
  const given: { insecureOptions?: string; signaturePolicy?: string } = flags;
  return {
    insecure: given.insecureOptions === 'image',
    ...(given.signaturePolicy === undefined ? {} : { policyFile: given.signaturePolicy }),
  };
}
