/** What is bundled apart from the command line (scripts/bundle.mjs): programs that run for long, and what they alone load. */
export * from './agent.js';
export * from './master.js';
export * from './service.js';
export * from './up.js';
