import { agentSettings } from '../../agent/settings.js';
import { masterSettings } from '../../master-lite/settings.js';
import { type Settings, variableOf } from '../../settings/setting.js';

/** docs/reference/configuration.md: every member of both files. */
export function configurationPage(): string {
  return [preface, section(agentSettings), section(masterSettings)].join('\n');
}

const preface = `# Configuration of agent and master

<!-- Written by ./dev docs from src/agent/settings.ts and src/master-lite/settings.ts: change it there. -->

A JSON object, with comments if you like, in the file of \`--config\`. Agent and master can be told everything by it; \`berth agent install\` and \`berth master install\` write one, with a
comment for each member. What is not understood is refused with the file, the member and what it must be:

\`\`\`
# berth agent --config /etc/berth/agent.json --check
berth: --config /etc/berth/agent.json: kill_grace_seconds must be a number from 0 on
\`\`\`

A flag goes before the environment, the environment before the file, the file before the default. Lists have commas in the environment; what is secret is not taken from there, and a file with
secrets must be its owner's alone. [agent.schema.json](agent.schema.json) and [master.schema.json](master.schema.json) are for editors (\`"$schema"\`).
`;

function section<Config>(settings: Settings<Config>): string {
  const rows = settings.members.map((member) => {
    const { name, about, flag, secret, shown, otherwise, schema } = member;
    const variable =
      secret === true || schema.type === 'object' ? '' : ` \`${variableOf(settings, member)}\``;
    const without = otherwise ?? `\`${JSON.stringify(shown)}\``;
    return `| \`${name}\` | ${about} | ${schema.description} | ${without} | ${flag === undefined ? '' : `\`${flag}\``}${variable} |`;
  });
  return [
    `## ${settings.daemon === 'agent' ? 'The agent' : 'The master'}`,
    '',
    '| member | | must be | without it | flag, variable |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
