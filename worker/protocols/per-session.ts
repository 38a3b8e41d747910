import type { Session } from "../sessions/session.ts";

/** What a door keeps of a session: made with the session's first message, and gone with the session. */
export function perSession<T>(make: (session: Session) => T): (session: Session) => T {
  const kept = new WeakMap<Session, T>();
  return (session) => {
    const known = kept.get(session) ?? make(session);
    kept.set(session, known);
    return known;
  };
}
