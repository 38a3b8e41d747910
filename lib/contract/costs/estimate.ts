/** What a task costs AWS's customer, in US dollars, by prices of that day. Nobody has measured it, and no bill says it. */
export type Estimate = {
  /** Absent where the control plane costs nothing, as on one machine. */
  controlPlaneUsd?: number;
  /** Of its session: as if the machine were busy, and its memory full, all the time. */
  computeUsdAtMost: number;
  /** YYYY-MM-DD. */
  pricesOf: string;
  estimated: true;
};
