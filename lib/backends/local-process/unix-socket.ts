import { constants, mkdtemp, open, rm, symlink } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** The shortest of what systems allow (macOS), without the NUL at its end: https://man7.org/linux/man-pages/man7/unix.7.html */
const MAX_PATH_BYTES = 103;

/**
 * Resolves with a connection to the unix socket at `path`, however long that is. Rejects with the system's error: ENOENT
 * or ECONNREFUSED when nobody listens there.
 */
export async function connectTo(path: string, platform = process.platform): Promise<Socket> {
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return connected(path);
  await using folder = await shorten(dirname(path), platform);
  return await connected(join(folder.path, basename(path)));
}

/** Another name for a folder, short enough, for as long as it is needed. */
async function shorten(folder: string, platform: NodeJS.Platform): Promise<{ path: string } & AsyncDisposable> {
  if (platform === "linux") {
    // The system's own name for an open folder: it writes nothing, so it works on a full disk and leaves nothing behind.
    const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    return { path: `/proc/self/fd/${handle.fd}`, [Symbol.asyncDispose]: () => handle.close() };
  }
  const own = await mkdtemp(join(tmpdir(), "ad-"));
  const path = join(own, "s");
  await symlink(folder, path);
  return { path, [Symbol.asyncDispose]: () => rm(own, { recursive: true, force: true }) };
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
