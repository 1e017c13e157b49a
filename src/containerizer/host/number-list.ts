/** The numbers of a list as the kernel writes them: `0-2,7` (cpuset(7), list format). Undefined: it is none. */
export function parseNumberList(text: string): number[] | undefined {
  const numbers: number[] = [];
  for (const part of text.trim().split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first) return undefined;
    for (let number = first; number <= last; number++) numbers.push(number);
  }
  return numbers;
}
