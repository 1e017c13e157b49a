/** Labels as a row of a listing has them: all in one text, and one by its name. */
export function labelColumns(labels: Readonly<Record<string, string>>) {
  return {
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Label: (key: unknown) => labels[String(key)] ?? '',
  };
}
