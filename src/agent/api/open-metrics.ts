export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Names that only ever grow. */
const counters = /_(finished|failed|killed|lost|gone)$/;

/** The same figures as /metrics/snapshot in the text form of OpenMetrics 1.0: `slave/tasks_running` is `berth_agent_tasks_running`. */
export function openMetrics(metrics: Record<string, number>): string {
  const families = Object.entries(metrics).map(([name, value]) => {
    const plain = name.replace(/^slave\//, 'agent/').replace(/[^a-zA-Z0-9]+/g, '_');
    const family = `berth_${plain}`;
    const isCounter = counters.test(family);
    return `# TYPE ${family} ${isCounter ? 'counter' : 'gauge'}\n${family}${isCounter ? '_total' : ''} ${value}\n`;
  });
  return `${families.join('')}# EOF\n`;
}
