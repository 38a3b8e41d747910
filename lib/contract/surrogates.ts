/** Whether a cut of a text before the UTF-16 unit at `index` would go through a surrogate pair. */
export function splitsPair(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
}
