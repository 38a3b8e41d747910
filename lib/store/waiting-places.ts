/** What a call holds while it waits. */
export type Place = {
  /** Gives it back; where that fails, its time ends it. */
  leave(): Promise<void>;
};

/**
 * Bounds how many calls wait at the same time, where each of them holds something that other calls need. One that gets no place is
 * answered at once, with how things stand, and told when to ask again.
 */
export interface WaitingPlaces {
  /** A place for that many seconds, for a call of that owner; undefined when there is none, or nobody can say. It never throws. */
  take(owner: string, seconds: number): Promise<Place | undefined>;
}
