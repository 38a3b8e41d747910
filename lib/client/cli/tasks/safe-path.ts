/** The most parts that a name may have, and the most bytes of one of them. */
const MAX_PARTS = 20;
const MAX_BYTES = 200;

/** Names that some systems keep for devices: https://learn.microsoft.com/windows/win32/fileio/naming-a-file */
const device = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * A path below a folder for a name that a job chose: it cannot lead out of the folder, and has no control characters and no
 * part that a file system does not take.
 * @example safePath("../../etc/passwd") // "etc/passwd"
 */
export function safePath(name: string): string {
  const parts = name
    .toWellFormed()
    .replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069<>:"|?*]/gu, "_")
    .split(/[\\/]+/)
    .map((part) => part.trim().replace(/[. ]+$/, ""))
    .filter((part) => part !== "");
  const kept = parts.slice(-MAX_PARTS).map((part) => shortened(device.test(part) ? `_${part}` : part));
  return kept.length > 0 ? kept.join("/") : "unnamed";
}

/** The beginning and the end, which tells what it is. */
function shortened(part: string): string {
  if (Buffer.byteLength(part) <= MAX_BYTES) return part;
  const bytes = Buffer.from(part);
  const text = (from: number, to: number) => bytes.subarray(from, to).toString().replaceAll("\uFFFD", "");
  return `${text(0, MAX_BYTES - 40)}~${text(-30, bytes.length)}`;
}
