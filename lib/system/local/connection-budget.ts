import type { Server, Socket } from "node:net";

export type BudgetOptions = {
  /** How many connections may be open of which nobody has proved yet who they are. */
  maxStrangers?: number;
  /** How long one of those may last, in milliseconds. */
  strangerMs?: number;
};

/**
 * Gives connections that have not shown a token a short life and a budget of their own: the newest pushes out the oldest.
 * So whoever opens many and says nothing keeps nobody out who has the token. Returns what takes a connection out of the
 * budget, for good.
 */
export function budgetConnections(
  server: Server,
  { maxStrangers = 250, strangerMs = 5000 }: BudgetOptions = {},
): (known: Socket) => void {
  /** In the order in which they came. */
  const strangers = new Map<Socket, NodeJS.Timeout>();
  const forget = (socket: Socket) => {
    clearTimeout(strangers.get(socket));
    strangers.delete(socket);
  };
  server.on("connection", (socket: Socket) => {
    const [oldest] = strangers.keys();
    if (oldest && strangers.size >= maxStrangers) {
      forget(oldest);
      oldest.destroy();
    }
    strangers.set(
      socket,
      setTimeout(() => socket.destroy(), strangerMs),
    );
    socket.once("close", () => forget(socket));
  });
  return forget;
}
