import type { Settings } from './setting.js';

/** A whole configuration file with a comment for each member. What `given` has stands in it; all else is commented out, and shows the default or an example. */
export function sampleFile<Config>(
  { daemon, members }: Settings<Config>,
  given: Readonly<Record<string, unknown>> = {},
): string {
  const blocks = members.map(({ name, about, shown, otherwise }) => {
    const said = otherwise === undefined ? '' : ` Without it: ${otherwise}.`;
    const own = Object.hasOwn(given, name);
    const value = JSON.stringify(own ? given[name] : shown, undefined, 2).split('\n');
    const lines = [`"${name}": ${value.join('\n')},`].join('\n').split('\n');
    return [`// ${about}.${said}`, ...lines.map((line) => (own ? line : `// ${line}`))]
      .map((line) => `  ${line}`)
      .join('\n');
  });
  return [
    `// Configuration of berth ${daemon}. Comments, and a comma after the last member, are allowed. What is commented out is the default or an example.`,
    `// berth ${daemon} --config FILE --check says whether it can be understood; flags and BERTH_${daemon.toUpperCase()}_… go before it.`,
    '{',
    blocks.join('\n\n'),
    '}',
    '',
  ].join('\n');
}
