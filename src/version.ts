/** The release this code belongs to; equal to package.json's, which a test checks. */
export const version = '0.1.0';
