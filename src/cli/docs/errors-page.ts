import { errorTable } from '../../errors/table.js';

/** docs/reference/errors.md: the one table of errors. */
export function errorsPage(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { exit, meaning }]) => `| \`${code}\` | ${exit} | ${meaning} |`,
  );
  return `# Errors

<!-- Written by ./dev docs from src/errors/table.ts: change it there. -->

Every way berth refuses or fails has a code that never changes its meaning. On the command line it is told as
\`berth: WHAT: WHY\`, with the mend in a second line where there is one; programs that use berth as a library get a
\`BerthError\` with the code, the three texts and the cause.

| code | exit status | meaning |
|---|---|---|
${rows.join('\n')}
`;
}
