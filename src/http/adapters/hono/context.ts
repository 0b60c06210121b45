// The context of Hono, as a type of our own: it needs only what is used of it here.

/** What is needed of the `Context` of Hono 4. */
export interface HonoContext {
  readonly req: { raw: Request }
  res: Response
  finalized: boolean
  readonly executionCtx: { waitUntil(work: Promise<unknown>): void }
}
