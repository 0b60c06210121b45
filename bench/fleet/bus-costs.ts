// What a message of the bus costs: the figures on which the simulation stands.

export interface BusCosts {
  /** Redis, by message: its token is removed and it is appended. */
  readonly appendUs: number
  /** Redis, by round of a process, whatever it brings: XRANGE and XREAD, and the wake-up. */
  readonly roundUs: number
  /** Redis, by message and process: it is written into a reply. */
  readonly deliveryUs: number
  readonly deliveryBytes: number
  /** A process, by round, and by message that it hears. */
  readonly turnUs: number
  readonly hearUs: number
  /** Sent until received, without waiting for a processor. */
  readonly linkUs: number
}
